"""The courier: brings one alert to one address by Apprise, in a process of its own.

Apprise has over a hundred plugins, and what they log may hold a password or a token. So it shares no memory with the
key, all that it writes goes nowhere, and one that hangs can be ended. The exit code says how it went.
"""

from __future__ import annotations

import json
import signal
import sys

SENT, NOT_SENT, UNKNOWN = 0, 1, 3  # a Python that fails ends with 1


def main() -> int:
    """Read an order from standard input: an address, a title and, unless it is only to be looked at, the message."""
    order = json.load(sys.stdin)
    signal.alarm(order["patience_s"])  # also when nobody waits for it any more
    from apprise import Apprise, NotifyFormat, NotifyType

    service = Apprise.instantiate(order["address"])
    if service is None:
        return UNKNOWN
    if order["message"] is None:
        return SENT
    went = service.notify(
        title=order["title"], body=order["message"], notify_type=NotifyType.FAILURE, body_format=NotifyFormat.TEXT
    )
    return SENT if went else NOT_SENT


if __name__ == "__main__":
    sys.exit(main())
