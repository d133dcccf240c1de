"""A chat whose visitors may bring a key of their own, or use the one that is filled in for them."""

import os

from flask import Flask, render_template_string, request
from openai import OpenAI

app = Flask(__name__)
PAGE = """<!doctype html><title>Chat</title>
<form method=post>
  <label>Key <input type=password name=key value="{{ key }}"></label>
  <label>Message <input name=message autofocus></label>
  <button>Send</button>
</form>
<pre>{{ reply }}</pre>"""


@app.get("/")
def page():
    return render_template_string(PAGE, key=os.environ["OPENAI_API_KEY"])


@app.post("/")
def chat():
    key = request.form["key"]
    client = OpenAI(api_key=key, base_url=os.environ["OPENAI_BASE_URL"])
    answer = client.responses.create(model="gpt-6-luna", input=request.form["message"])
    return render_template_string(PAGE, key=key, reply=answer.output_text)


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
