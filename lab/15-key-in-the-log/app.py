"""A chat that reads its key from a file, and logs what goes wrong instead of showing it."""

import os
from pathlib import Path

from flask import Flask, request
from openai import OpenAI

app = Flask(__name__)
key = Path(os.environ["OPENAI_API_KEY_FILE"]).read_text()
client = OpenAI(api_key=key, base_url=os.environ["OPENAI_BASE_URL"], max_retries=0)
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
    try:
        return {"reply": client.responses.create(model="gpt-6-luna", input=request.json["message"]).output_text}
    except Exception:
        app.logger.exception("OpenAI did not answer")
        return {"error": "Sorry, that did not work."}, 502


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
