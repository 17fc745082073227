import azure.functions as func
from shared.prices import price_of

bp = func.Blueprint()


@bp.route(route="orders/{what}", methods=["GET"])
def order(req: func.HttpRequest) -> str:
    return f"{price_of(req.route_params['what'])} cents"


@bp.function_name("CancelOrder")
@bp.route(route="orders/{what}", methods=["DELETE"])
async def cancel(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204)
