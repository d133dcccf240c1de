"""Asks once, and then reads the log, as a colleague or a log service can.

On this app: its key file ends in the same line break, and each kind of failure is forced before the log is read.
"""

from lab.client import target
from lab.evidence import calls, log
from lab.thief import key_in, spend
from lab.verdict import failed, not_made, worked

FAULTS = ["error missing_scope", "error server_error", "hangup", "garbage", "cut 3", "not-sse html", "failed"]

app = target()
first = app.visitor().ask("Hello")
for fault in FAULTS:
    app.visitor().ask(f"Hello [fake: {fault}]")
written = log()
for line in written.splitlines():
    if key := key_in(line):
        print(line.strip().replace(key, f"{key[:8]}…{key[-4:]}"))
        spend(key)
        worked("The log has the key, in the words of an exception.")
if first.reply is None or not calls():
    not_made(f"The first question was not answered: {first.status} {first.text}")
failed(f"{len(FAULTS)} failures were forced, and the log's {len(written.splitlines())} lines have no key.")
