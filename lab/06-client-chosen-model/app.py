"""A chat whose page lets visitors choose how clever and how long the answer is."""

import os

from flask import Flask, request
from openai import OpenAI

app = Flask(__name__)
client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"])
PAGE = """<!doctype html><title>Chat</title>
<form id=form><input id=message autofocus>
<select id=model><option>gpt-6-luna<option>gpt-5.6-luna</select><button>Send</button></form><pre id=reply></pre>
<script>
form.onsubmit = async (event) => {
  event.preventDefault();
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ message: message.value, model: model.value, max_tokens: 500 });
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
    model, tokens = wanted["model"], wanted["max_tokens"]
    answer = client.responses.create(model=model, input=wanted["message"], max_output_tokens=tokens)
    return {"reply": answer.output_text}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
