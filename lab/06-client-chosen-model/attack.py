"""Asks for the dearest model and for an answer a hundred times as long.

Anywhere: by each name that a model and a length may have in the request. What counts is what arrives at OpenAI.
"""

from lab.client import long_question, target
from lab.evidence import bill, calls
from lab.verdict import failed, not_made, worked

DEAREST, MOST, USUAL = "gpt-6-astra", 50_000, 2_048
LENGTHS = dict.fromkeys(("max_tokens", "max_output_tokens", "maxOutputTokens", "max_completion_tokens"), MOST)

greedy = target().visitor()
question = long_question(10_000)
answers = [greedy.ask(question, model=DEAREST, **LENGTHS), greedy.ask(question, model="gpt-6-luna", **LENGTHS)]
answers.append(greedy.ask(question, options={"model": DEAREST}, body={"model": DEAREST}, **LENGTHS))
got = [(call["body"]["model"], call["body"].get("max_output_tokens", MOST)) for call in calls()]
if not got:
    not_made(f"Nothing arrived at OpenAI: {answers[-1].status} {answers[-1].text}")
for model, tokens in got:
    print(f"OpenAI was asked for up to {tokens} tokens of {model}.")
dear = [model for model, tokens in got if model == DEAREST or tokens > USUAL]
if dear:
    worked(f"The visitor chose, and you pay ${bill():.4f}.")
failed(f"Whatever was asked for, the server chose: ${bill():.4f}.")
