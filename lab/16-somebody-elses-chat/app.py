"""A chat that keeps what was said, each chat under a number."""

import os
import secrets

from flask import Flask, request, session
from openai import OpenAI

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"])
chats = {}


@app.get("/")
def page():
    return "<!doctype html><title>Chat</title><form action=/chat method=post><input name=message><button>Send</button>"


@app.post("/chat")
def chat():
    message = request.form.get("message") or request.get_json()["message"]
    owner = session.setdefault("visitor", secrets.token_hex(16))
    number = len(chats) + 1
    chats[number] = {"owner": owner, "question": message}
    chats[number]["reply"] = client.responses.create(model="gpt-6-luna", input=message).output_text
    return {"chat": number, "reply": chats[number]["reply"]}


@app.get("/chats/<int:number>")
def read(number):
    found = chats.get(number)
    if found is None:
        return {"error": "There is no such chat."}, 404
    return {"question": found["question"], "reply": found["reply"]}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
