"""A chat that answers whoever asks."""

import os

from flask import Flask, request
from openai import OpenAI

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
    question = request.json["message"]
    answer = client.responses.create(model="gpt-6-luna", input=question, max_output_tokens=500)
    return {"reply": answer.output_text}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
