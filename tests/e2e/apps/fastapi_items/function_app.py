"""A FastAPI application behind AsgiFunctionApp."""

import logging
from contextlib import asynccontextmanager

import azure.functions as func
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


state = {"started": 0}


@asynccontextmanager
async def lifespan(app: FastAPI):
    state["started"] += 1
    yield


web = FastAPI(lifespan=lifespan)
items = {}


@web.get("/api/items/{number}")
async def read(number: int, verbose: bool = False):
    if number not in items:
        raise HTTPException(404, "no such item")
    logging.info("reading %d", number)
    return {"item": items[number], "verbose": verbose, "started": state["started"]}


@web.put("/api/items/{number}")
def write(number: int, item: Item):
    items[number] = item
    return {"count": len(items)}


app = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)
