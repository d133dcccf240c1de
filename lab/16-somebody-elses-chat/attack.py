"""Counts up the numbers of chats, and reads what others have said.

On this app: by every address at which a chat is read, listed, found, taken out, changed or deleted, though the attacker
is told the chat's id, which nobody could guess.
"""

from lab.client import new_id, target
from lab.verdict import failed, not_made, worked

SECRET = "my diagnosis is hay fever"

app = target()
victim, stranger = app.visitor(), app.visitor()
chat = new_id()
victim.ask(f"Tell nobody: {SECRET}", chat=chat)
stranger.ask("Hello")
if app.is_this_app:
    reads = [f"/api/chats/{chat}", f"/api/chats/{chat}/export?format=md", f"/api/chats/{chat}/export?format=json",
             "/api/chats", "/api/chats?q=diagnosis", f"/api/chat/{chat}/stream", f"/c/{chat}"]  # fmt: skip
    own = reads[0]
else:
    reads = [f"/chats/{number}" for number in range(1, 10)]
    own = "/chats/1"
answers = [stranger.get(path) for path in reads]
answers += [stranger.request("PATCH", own, b'{"title": "x"}'), stranger.ask("What was that?", chat=chat)]
answers.append(stranger.request("DELETE", own))
kept = victim.get(own)
if SECRET not in kept.text:
    not_made(f"The victim's own chat is not there: {kept.status}")
if any(SECRET in answer.text for answer in answers):
    worked(f"A stranger reads: {SECRET!r}")
failed(f"{len(answers)} requests of a stranger, and none got it.")
