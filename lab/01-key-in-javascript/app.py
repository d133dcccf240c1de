"""A chat that runs in the browser: the server only hands out its files."""

import json
import os

from flask import Flask

app = Flask(__name__)
SETTINGS = {
    "url": os.environ["OPENAI_BASE_URL"] + "/responses",
    "key": os.environ["OPENAI_API_KEY"],
    "model": "gpt-6-luna",
}
PAGE = """<!doctype html><title>Chat</title>
<form id=form><input id=message autofocus><button>Send</button></form><pre id=reply></pre>
<script src=/settings.js></script>
<script>
form.onsubmit = async (event) => {
  event.preventDefault();
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${settings.key}` };
  const body = JSON.stringify({ model: settings.model, input: message.value });
  const answer = await fetch(settings.url, { method: "POST", headers, body });
  reply.textContent = (await answer.json()).output[0].content[0].text;
};
</script>"""


@app.get("/")
def page():
    return PAGE


@app.get("/settings.js")
def settings():
    return f"const settings = {json.dumps(SETTINGS)};", {"Content-Type": "text/javascript"}


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
