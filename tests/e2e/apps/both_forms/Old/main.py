import azure.functions as func

from .near import TEXT


def old(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
    res.set(func.HttpResponse(f"{TEXT} {req.route_params.get('id')}", status_code=203))
