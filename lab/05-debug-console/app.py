"""A chat that is run as it was while it was written."""

import os

from flask import Flask, request
from openai import OpenAI

os.environ["WERKZEUG_DEBUG_PIN"] = "off"  # it kept asking for a PIN
app = Flask(__name__)
client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"])
PAGE = """<!doctype html><title>Chat</title>
<form id=form><input id=message autofocus><button>Send</button></form><pre id=reply></pre>
<script>
form.onsubmit = async (event) => {
  event.preventDefault();
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ message: message.value });
  const answer = await fetch("/chat", { method: "POST", headers, body });
  reply.textContent = await answer.text();
};
</script>"""


@app.get("/")
def page():
    return PAGE


@app.post("/chat")
def chat():
    return {"reply": client.responses.create(model="gpt-6-luna", input=request.json["message"]).output_text}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]), debug=True)
