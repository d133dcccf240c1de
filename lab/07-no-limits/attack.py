"""Asks forty questions as fast as it can, as any script would.

On this app: the same, against its usual limit of 8 questions a minute.
"""

from lab.client import long_question, target
from lab.evidence import bill
from lab.verdict import failed, not_made, worked

QUESTIONS = 40

app = target()
limit = 8 if app.is_this_app else 10  # a minute, as the cure has it
robot = app.visitor()
answers = [robot.ask(long_question(500)) for _ in range(QUESTIONS)]
answered = sum(answer.reply is not None for answer in answers)
if not answered:
    not_made(f"Nothing was answered: {answers[0].status} {answers[0].text}")
if answered > limit:
    worked(f"{answered} of {QUESTIONS} questions were answered, not {limit} at most, and you pay ${bill():.4f}.")
print(f"Refused with {answers[-1].status}: {answers[-1].text.strip()}")
failed(f"{answered} of {QUESTIONS} questions were answered, for ${bill():.4f}.")
