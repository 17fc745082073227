"""A Flask application behind WsgiFunctionApp, at the root of the site."""

import azure.functions as func
from flask import Flask, jsonify, redirect, request

web = Flask(__name__)
items = {}


@web.get("/")
def home():
    return "the front page"


@web.get("/items/<int:number>")
def read(number):
    if number not in items:
        return jsonify(error="no such item"), 404
    return jsonify(items[number]), 200, {"X-Count": str(len(items))}


@web.put("/items/<int:number>")
def write(number):
    items[number] = request.get_json()
    return "", 204


@web.get("/old")
def old():
    return redirect("/items/1")


app = func.WsgiFunctionApp(app=web.wsgi_app, http_auth_level=func.AuthLevel.ANONYMOUS)
