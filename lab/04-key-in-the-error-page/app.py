"""A chat that tells in full what went wrong, so that somebody can mend it."""

import os
import traceback
from html import escape

from flask import Flask, request
from openai import OpenAI

app = Flask(__name__)
PAGE = """<!doctype html><title>Chat</title>
<form action=/chat method=post><input name=message autofocus><button>Send</button></form>"""


@app.get("/")
def page():
    return PAGE


@app.post("/chat")
def chat():
    key = os.environ["OPENAI_API_KEY"]
    client = OpenAI(api_key=key, base_url=os.environ["OPENAI_BASE_URL"], max_retries=0)
    message = request.form.get("message") or request.get_json()["message"]
    return {"reply": client.responses.create(model="gpt-6-luna", input=message).output_text}


@app.errorhandler(Exception)
def oops(error):
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return f"<h1>Oops!</h1><pre>{escape(''.join(told.format()))}</pre>", 500


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
