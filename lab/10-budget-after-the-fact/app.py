"""A chat that stops answering when the day's budget is spent."""

import os

from flask import Flask, request
from openai import OpenAI

BUDGET = 0.004  # dollars
PRICE_IN, PRICE_OUT = 0.10 / 1e6, 0.50 / 1e6  # dollars a token of gpt-6-luna
app = Flask(__name__)
client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"])
spent = 0.0


@app.get("/")
def page():
    return "<!doctype html><title>Chat</title><form action=/chat method=post><input name=message><button>Send</button>"


@app.post("/chat")
def chat():
    global spent
    if spent >= BUDGET:
        return {"error": "Today's budget is spent."}, 429
    message = request.form.get("message") or request.get_json()["message"]
    answer = client.responses.create(model="gpt-6-luna", input=message, max_output_tokens=400)
    spent += answer.usage.input_tokens * PRICE_IN + answer.usage.output_tokens * PRICE_OUT
    return {"reply": answer.output_text}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
