"""The baseline: what a tutorial shows. Flask, the SDK's typed stream, a generator as the response; nothing else."""

import json
from collections.abc import Iterator

from flask import Flask, Response, request
from openai import OpenAI

app = Flask(__name__)
client = OpenAI()


@app.post("/chat")
def chat() -> Response:
    message = request.get_json()["message"]

    def generate() -> Iterator[str]:
        stream = client.responses.create(model="gpt-6-luna", input=message, stream=True)
        for event in stream:
            if event.type == "response.output_text.delta":
                yield f"data: {json.dumps({'delta': event.delta})}\n\n"

    return Response(generate(), mimetype="text/event-stream")
