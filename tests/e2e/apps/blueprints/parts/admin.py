import azure.functions as func

bp = func.Blueprint()


@bp.route(route="manage/where")
def where(req: func.HttpRequest, context: func.Context) -> str:
    return context.function_directory
