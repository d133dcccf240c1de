"""A shoe shop's chat, whose page sends the whole conversation each time."""

import os

from flask import Flask, request
from openai import OpenAI

app = Flask(__name__)
client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"])
PAGE = """<!doctype html><title>Shoes</title>
<form id=form><input id=message autofocus><button>Send</button></form><pre id=reply></pre>
<script>
const messages = [{ role: "system", content: "You sell shoes. Talk about nothing else." }];
form.onsubmit = async (event) => {
  event.preventDefault();
  messages.push({ role: "user", content: message.value });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("/chat", { method: "POST", headers, body: JSON.stringify({ messages }) });
  messages.push({ role: "assistant", content: (await answer.json()).reply });
  reply.textContent = messages.at(-1).content;
};
</script>"""


@app.get("/")
def page():
    return PAGE


@app.post("/chat")
def chat():
    messages = request.json["messages"]
    return {"reply": client.responses.create(model="gpt-6-luna", input=messages).output_text}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
