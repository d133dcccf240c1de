"""Asks many questions at once, so that each worker counts a part of them.

On this app: with four workers, too, and its usual limit of 8 questions a minute. A cookie names the visitor there, and
all questions bring the same one.
"""

from lab.client import at_once, long_question, target
from lab.evidence import bill
from lab.verdict import failed, not_made, worked

QUESTIONS = 60

app = target()
robot = app.visitor()
robot.get("/api/me")
limit = 8 if app.is_this_app else 10
answers = at_once(QUESTIONS, lambda: robot.ask(long_question(100, delay_ms=1)))
answered = sum(answer.reply is not None for answer in answers)
if not answered:
    not_made(f"Nothing was answered: {answers[0].status} {answers[0].text}")
if answered > limit:
    worked(f"{limit} answers are allowed, and {answered} were given, for ${bill():.4f}.")
failed(f"{limit} answers are allowed, and {answered} were given, for ${bill():.4f}.")
