"""Reads nearly all of an answer, leaves before its end, and asks again.

On this app: with the same allowance for a visitor and day; it leaves there by closing the connection and, every other
time, by the button that stops an answer.
"""

from lab.client import long_question, target
from lab.evidence import bill
from lab.verdict import failed, not_made, worked

ALLOWANCE = 0.0005  # dollars, of the small app's visitors and, in the lab, of this one's
TRIES, TOKENS = 6, 300
READ = TOKENS * 3  # characters, of four a token

visitor = target().visitor()
visitor.get("/api/me")
tastes = [visitor.taste(long_question(TOKENS, delay_ms=3), READ, stop=number % 2 == 1) for number in range(TRIES)]
if not any(tastes):
    not_made("Nothing was answered.")
said = f"The allowance is ${ALLOWANCE:.4f}. {sum(tastes)} of {TRIES} answers were begun"
if bill() > ALLOWANCE:
    worked(f"{said}, none was read to its end, and you pay ${bill():.4f}.")
failed(f"{said}, for ${bill():.4f}.")
