"""`flask alerts`: whether alerts arrive."""

from __future__ import annotations

from flask.cli import AppGroup, with_appcontext

from chatbot.alerts.address import load_addresses, send
from chatbot.alerts.courier import SENT, UNKNOWN
from chatbot.commands.report import Report
from chatbot.web.parts import parts

WORDS = "This is a test of the alerts. Nothing is wrong."
alerts = AppGroup("alerts", help="Alerts: whether they arrive.")


@alerts.command("test")
@with_appcontext
def test() -> None:
    """Send an alert to each address of ALERT_URLS now."""
    report = Report()
    addresses = load_addresses(parts().settings, parts().signer)
    if not addresses:
        report.wrong("ALERT_URLS is not set, so an alert is a line in the log and no more", "docs/configuration.md")
    for address, code in zip(addresses, send(addresses, WORDS), strict=True):
        if code == SENT:
            report.right(f"{address.name} took a test")
        elif code == UNKNOWN:
            fix = "write it as Apprise does, and see docs/configuration.md"
            report.wrong(f"Apprise does not know {address.name}, or lacks a library for it", fix)
        else:
            report.wrong(f"{address.name} did not take a test", "its password or token, or the network")
    report.end()
