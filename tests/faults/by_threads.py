"""Serves the app by threads, as `flask run` does: `python -m tests.faults.by_threads [seconds of silence]`.

With a number it gives up an upstream that is silent for so long, where the app would wait for over a minute.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from werkzeug.serving import make_server

from app import create_app
from chatbot.chats.beat import Beat
from chatbot.chats.turn import Turns
from chatbot.chores import chores
from chatbot.config import load_settings
from chatbot.model.client import Client
from chatbot.model.transport import Urllib3Transport


def main() -> None:
    settings = load_settings()
    app = create_app(settings)
    if len(sys.argv) > 1:
        house = app.extensions["turnkey"]
        url = settings.openai_base_url
        client = Client(
            url, settings.openai_api, house.ring, Urllib3Transport(url), plain=True, silence_s=float(sys.argv[1])
        )
        turns = Turns(house.engine, client, house.ledger, settings, house.signer, house.alarms, house.tally)
        impatient = replace(house, turns=turns, beat=Beat(house.engine, turns.live, house.ledger))
        impatient.beat.take_on(chores(impatient))
        app.extensions["turnkey"] = impatient
        app.before_request(impatient.start)
    make_server(settings.host, settings.port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
