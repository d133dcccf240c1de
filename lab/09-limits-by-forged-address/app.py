"""A chat with a limit for each address, behind a proxy or not."""

import os
import time
from collections import defaultdict

from flask import Flask, request
from openai import OpenAI

LIMIT, WINDOW_S = 10, 60  # questions per address in so many seconds
app = Flask(__name__)
client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"])
asked = defaultdict(list)


@app.get("/")
def page():
    return "<!doctype html><title>Chat</title><form action=/chat method=post><input name=message><button>Send</button>"


def may_ask(address):
    asked[address] = [at for at in asked[address] if at > time.time() - WINDOW_S] + [time.time()]
    return len(asked[address]) <= LIMIT


@app.post("/chat")
def chat():
    address = request.headers.get("X-Forwarded-For", request.remote_addr)
    if not may_ask(address):
        return {"error": "Please wait a minute."}, 429
    message = request.form.get("message") or request.get_json()["message"]
    return {"reply": client.responses.create(model="gpt-6-luna", input=message, max_output_tokens=500).output_text}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
