"""A chat with a limit, served by four workers because one was too slow."""

import os
import sys
from collections import Counter
from pathlib import Path

from flask import Flask, request
from openai import OpenAI

LIMIT = 10  # questions per visitor and day
app = Flask(__name__)
client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"])
asked = Counter()


@app.get("/")
def page():
    return "<!doctype html><title>Chat</title><form action=/chat method=post><input name=message><button>Send</button>"


def count(visitor):
    asked[visitor] += 1
    return asked[visitor]


@app.post("/chat")
def chat():
    if count(request.remote_addr) > LIMIT:
        return {"error": f"You may ask {LIMIT} questions a day."}, 429
    message = request.form.get("message") or request.get_json()["message"]
    return {"reply": client.responses.create(model="gpt-6-luna", input=message, max_output_tokens=500).output_text}


if __name__ == "__main__":
    os.chdir(Path(__file__).parent)
    served = ["-m", "gunicorn", "--workers=4", f"--bind=127.0.0.1:{os.environ['LAB_PORT']}", "app:app"]
    os.execv(sys.executable, [sys.executable, *served])
