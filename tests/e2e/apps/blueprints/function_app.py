"""An app in parts: blueprints in modules and packages, shared code beside them."""

import azure.functions as func
from orders import bp as orders
from parts.admin import bp as admin

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(orders)
app.register_blueprint(admin)


@app.route(route="own")
def own(req: func.HttpRequest) -> str:
    return "own"
