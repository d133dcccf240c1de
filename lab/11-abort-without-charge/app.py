"""A chat that streams its answers, and charges each visitor's allowance for them."""

import os
from collections import Counter

from flask import Flask, request
from openai import OpenAI

ALLOWANCE = 0.0005  # dollars per visitor and day
PRICE_IN, PRICE_OUT = 0.10 / 1e6, 0.50 / 1e6  # dollars a token of gpt-6-luna
app = Flask(__name__)
client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"])
used = Counter()


@app.get("/")
def page():
    return "<!doctype html><title>Chat</title><form action=/chat method=post><input name=message><button>Send</button>"


@app.post("/chat")
def chat():
    visitor, message = request.remote_addr, request.form.get("message") or request.get_json()["message"]
    if used[visitor] + len(message) * PRICE_IN + 400 * PRICE_OUT > ALLOWANCE:
        return {"error": "Your allowance is used up."}, 429

    def reply():
        for event in client.responses.create(model="gpt-6-luna", input=message, max_output_tokens=400, stream=True):
            if event.type == "response.output_text.delta":
                yield event.delta
        usage = event.response.usage
        used[visitor] += usage.input_tokens * PRICE_IN + usage.output_tokens * PRICE_OUT

    return reply(), {"Content-Type": "text/plain"}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
