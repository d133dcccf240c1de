"""A chat that shows the model's answers formatted; a question can be shared as a link."""

import os

from flask import Flask, render_template_string, request
from markdown_it import MarkdownIt
from openai import OpenAI

app = Flask(__name__)
client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"])
markdown = MarkdownIt("commonmark", {"html": True})
PAGE = """<!doctype html><title>Chat</title>
<form><input name=question value="{{ question }}" autofocus><button>Send</button></form>
<div>{{ answer | safe }}</div>"""


@app.get("/")
def page():
    question, answer = request.args.get("question", ""), ""
    if question:
        answer = client.responses.create(model="gpt-6-luna", input=question).output_text
    return render_template_string(PAGE, question=question, answer=markdown.render(answer))


app.run("127.0.0.1", int(os.environ["LAB_PORT"]))
