"""Queues and blobs, and a trigger that no local host can run, beside plain HTTP."""

import json
import logging

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="orders", methods=["POST"])
@app.queue_output(arg_name="order", queue_name="orders", connection="AzureWebJobsStorage")
def take_order(req: func.HttpRequest, order: func.Out[str]) -> func.HttpResponse:
    order.set(req.get_body().decode())
    return func.HttpResponse("accepted", status_code=202)


@app.queue_trigger(arg_name="order", queue_name="orders", connection="AzureWebJobsStorage")
@app.blob_output(arg_name="receipt", path="receipts/{id}.txt", connection="AzureWebJobsStorage")
def serve_order(order: func.QueueMessage, receipt: func.Out[str]) -> None:
    text = order.get_body().decode()
    logging.info("serving %s", json.loads(text)["name"])
    receipt.set("served: " + text)


@app.blob_trigger(arg_name="receipt", path="receipts/{name}", connection="AzureWebJobsStorage")
def file_receipt(receipt: func.InputStream) -> None:
    logging.info("filed %s of %s bytes", receipt.name, receipt.length)


@app.service_bus_queue_trigger(arg_name="message", queue_name="far", connection="ServiceBus")
def from_afar(message: func.ServiceBusMessage) -> None:
    logging.info("from afar: %s", message.get_body().decode())
