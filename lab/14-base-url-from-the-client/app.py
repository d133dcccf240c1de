"""A chat that lets visitors choose another server that speaks as OpenAI does."""

import os

from flask import Flask, request
from openai import OpenAI

app = Flask(__name__)
PAGE = """<!doctype html><title>Chat</title>
<form id=form><input id=message autofocus><button>Send</button>
<p><label>Server <input id=server placeholder="OpenAI"></label></form><pre id=reply></pre>
<script>
form.onsubmit = async (event) => {
  event.preventDefault();
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ message: message.value, base_url: server.value });
  const answer = await fetch("/chat", { method: "POST", headers, body });
  reply.textContent = await answer.text();
};
</script>"""


@app.get("/")
def page():
    return PAGE


@app.post("/chat")
def chat():
    wanted = request.json
    client = OpenAI(base_url=wanted.get("base_url") or os.environ["OPENAI_BASE_URL"], max_retries=0)
    return {"reply": client.responses.create(model="gpt-6-luna", input=wanted["message"]).output_text}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
