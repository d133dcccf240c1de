"""Says in a header that each question comes from another address.

On this app: in each such header that proxies know, and with the cookie thrown away each time, to look new. Its
usual limit is 30 questions a minute from a network.
"""

import random

from lab.client import long_question, target
from lab.evidence import bill
from lab.verdict import failed, not_made, worked

QUESTIONS = 40
HEADERS = ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")


def forged():
    address = ".".join(str(random.randrange(1, 255)) for _ in range(4))
    return dict.fromkeys(HEADERS, address) | {"Forwarded": f"for={address}"}


app = target()
limit = 30 if app.is_this_app else 10  # a minute
answers = [app.visitor().ask(long_question(100), headers=forged()) for _ in range(QUESTIONS)]
answered = sum(answer.reply is not None for answer in answers)
if not answered:
    not_made(f"Nothing was answered: {answers[0].status} {answers[0].text}")
if answered > limit:
    worked(f"{answered} of {QUESTIONS} questions were answered, not {limit} at most, for ${bill():.4f}.")
print(f"Refused with {answers[-1].status}: {answers[-1].text.strip()}")
failed(f"{answered} of {QUESTIONS} questions were answered, for ${bill():.4f}.")
