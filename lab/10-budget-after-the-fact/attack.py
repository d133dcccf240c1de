"""Asks forty questions in the same moment, before any of them is booked.

On this app: with the same budget for a day, and forty visitors, none of whom is limited otherwise.
"""

from lab.client import at_once, long_question, target
from lab.evidence import bill
from lab.verdict import failed, not_made, worked

BUDGET = 0.004  # dollars, of the small app and, in the lab, of this one

app = target()
answers = at_once(40, lambda: app.visitor().ask(long_question(400, delay_ms=6)))
answered = sum(answer.reply is not None for answer in answers)
if not answered:
    not_made(f"Nothing was answered: {answers[0].status} {answers[0].text}")
if bill() > BUDGET:
    worked(f"The budget is ${BUDGET:.4f}. {answered} answers were given, and you pay ${bill():.4f}.")
failed(f"The budget is ${BUDGET:.4f}. {answered} answers were given, for ${bill():.4f}.")
