"""Sends what nobody expects, and reads the error page.

Anywhere: broken requests, addresses that do not exist, and what OpenAI's own errors become, whose words can hold a
part of the key and the names of the organization and the project.
"""

import re
from concurrent.futures import ThreadPoolExecutor

from lab.client import target
from lab.evidence import calls
from lab.thief import key_in, spend
from lab.verdict import failed, not_made, worked

BODIES = [b"", b"{", b"[]", b"null", b"{}", b'{"message": 7}', b'{"messages": {"a": 1}}', b"\xff\xfe", b"[" * 5000]
CODES = ["invalid_api_key", "missing_scope", "model_not_found", "no_model_access", "rate_limit_exceeded",
         "insufficient_quota", "project_spend_limit_exceeded", "context_length_exceeded", "server_error"]  # fmt: skip
INSIDE = re.compile(r"org-\w+|proj_\w+|sk-\w+|Traceback|File \"")  # of OpenAI's words, and of a program

app = target()
stranger = app.visitor()
answers = [stranger.request("POST", stranger.chat_path, body) for body in BODIES]
answers += [stranger.request(method, "/nothing-here?x=%00") for method in ("GET", "POST", "PUT", "DELETE")]
with ThreadPoolExecutor(len(CODES)) as threads:  # at once, as an app may stop asking when its key is refused
    answers += threads.map(lambda code: app.visitor().ask(f"Hello [fake: stall 2; error {code}]"), CODES)
errors = [f"{answer.headers}\n{answer.text}" for answer in answers if not answer.reply]
for text in errors:
    if key := key_in(text):
        spend(key)
        worked("The error page shows the program's variables, and the key is one of them.")
for text in errors:
    if found := INSIDE.search(text):
        worked(f"An error page tells what is inside: {found[0]}")
if len(calls()) < len(CODES):
    not_made("OpenAI was not asked.")
failed(f"{len(errors)} errors were forced, and none tells anything of the inside.")
