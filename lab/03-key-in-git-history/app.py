"""A chat that is told its settings once, and keeps them in a file beside it."""

import json
import os
from pathlib import Path

from flask import Flask, request
from openai import OpenAI

SETTINGS = Path(__file__).with_name("settings.json")
if not SETTINGS.exists():
    SETTINGS.write_text(json.dumps({"key": os.environ["OPENAI_API_KEY"], "model": "gpt-6-luna"}))
settings = json.loads(SETTINGS.read_text())

app = Flask(__name__)
client = OpenAI(api_key=settings["key"], base_url=os.environ["OPENAI_BASE_URL"])
PAGE = """<!doctype html><title>Chat</title>
<form action=/chat method=post><input name=message autofocus><button>Send</button></form>"""


@app.get("/")
def page():
    return PAGE


@app.post("/chat")
def chat():
    message = request.form.get("message") or request.get_json()["message"]
    return {"reply": client.responses.create(model=settings["model"], input=message).output_text}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
