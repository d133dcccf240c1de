"""Holds the tutor to what the real SDK expects of OpenAI, and its answers to everyday questions."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from chatbot import book
from chatbot.key.ring import Ring
from chatbot.model.client import Client
from chatbot.model.cut import Cut
from chatbot.model.events import GO_ON, Call
from chatbot.tutor.transport import TutorTransport

PAGES = book.load(Path(__file__).resolve().parent.parent.parent / "docs" / "guide")
INDEX_MS = 50
UNKNOWN_OPENING = "I do not know that."

QUESTIONS = {
    "get-a-key#in-short": ["How do I get an API key?", "how do i start"],
    "get-a-key#try-the-app-without-a-key": [
        "Can I try this app without an API key?",
        "is there a demo mode",
    ],
    "get-a-key#what-a-key-is": [
        "What is an API key anyway?",
        "Is my ChatGPT Plus subscription enough?",
        "what does sk- stand for, what is that string",
    ],
    "get-a-key#make-an-account-and-a-project": [
        "Where do I sign up for an account?",
        "What are projects good for?",
        "do I need a separate project for this",
    ],
    "get-a-key#create-the-key": [
        "How do I create a new key?",
        "I closed the window before copying my key, can I see it again?",
        "can OpenAI show me my key a second time",
    ],
    "get-a-key#permissions": [
        "Which permissions should the key have?",
        "What does missing_scope mean?",
        "what should I tick when restricting the key",
    ],
    "get-a-key#service-accounts": [
        "What is a service account?",
        "key for a server instead of a person",
    ],
    "get-a-key#prepaid-credit-and-auto-reload": [
        "How do I switch off auto reload?",
        "my card keeps getting charged",
    ],
    "get-a-key#set-a-spend-limit": [
        "How can I set a maximum monthly spend?",
        "Does a spend alert block anything?",
        "can I tell OpenAI to stop at 20 dollars",
    ],
    "get-a-key#put-the-key-into-this-app": [
        "How do I go live with a real model?",
        "I have a key, what next?",
    ],
    "get-a-key#check-that-it-works": [
        "How do I check whether my key works?",
        "is my key accepted?",
    ],
    "get-a-key#what-older-guides-get-wrong": [
        "Is it true that there is only one key per account?",
        "what has changed since older tutorials",
    ],
    "keep-it-safe#in-short": [
        "top security tips please",
    ],
    "keep-it-safe#storage": [
        "Where should I store the key on my server?",
        "Is an environment variable secure enough?",
        "is it ok to keep it in a database",
    ],
    "keep-it-safe#never-in-the-browser": [
        "Can I hide the key in my JavaScript?",
        "Is it ok to call OpenAI straight from React?",
        "can I put the key into a chrome extension or phone app if I encrypt it",
    ],
    "keep-it-safe#never-in-git": [
        "May I commit the key to a private GitHub repo?",
        "What goes into .gitignore?",
        "is a private repo fine",
    ],
    "keep-it-safe#never-in-the-logs": [
        "Does the key show up in log files?",
        "What is this fingerprint in the log?",
        "how do I stop the key from ending up in error logs",
    ],
    "keep-it-safe#on-a-hosting-platform": [
        "How do I set the key on Heroku?",
        "Can I put the key in my Dockerfile?",
        "setting up secrets on AWS",
    ],
    "keep-it-safe#sharing-with-other-people": [
        "Can I share my key with a teammate?",
        "how should a team handle keys",
    ],
    "keep-it-safe#rotation": [
        "How often should I rotate keys?",
        "when is it time for a new key",
    ],
    "keep-it-safe#restrict-by-address-not-by-domain": [
        "Can I restrict the key to my website's domain?",
        "How do I allow only my server's IP address?",
        "restrict key by website",
    ],
    "keep-it-safe#trusted-hosts": [
        "What is OPENAI_TRUSTED_HOSTS for?",
        "does this work with other providers",
    ],
    "keep-it-safe#visitor-limits": [
        "How do I stop one visitor from spamming my bot?",
        "what if someone spams the chat",
    ],
    "keep-it-safe#the-server-decides": [
        "Can visitors change the system prompt?",
        "can people change the model from the browser console",
    ],
    "if-it-leaks#in-short": [
        "My key was stolen, what do I do?",
        "I think I've been hacked",
    ],
    "if-it-leaks#revoke-the-key-first": [
        "How do I revoke a key?",
        "kill a key right now",
    ],
    "if-it-leaks#replace-it-without-downtime": [
        "How do I swap the key with no downtime?",
        "change keys without visitors noticing",
    ],
    "if-it-leaks#signs-of-a-leak": [
        "How would I notice that my key has been hacked?",
        "how can I spot abuse of my key",
    ],
    "if-it-leaks#see-what-was-spent": [
        "How do I see what somebody spent with my key?",
        "where can I look up my usage",
        "does OpenAI's bill match what the app has used",
    ],
    "if-it-leaks#who-pays": [
        "Will OpenAI refund the stolen money?",
        "who is liable for the stolen usage",
    ],
    "if-it-leaks#if-it-was-in-git": [
        "I pushed my key to GitHub by accident, help!",
        "I uploaded my key to github",
    ],
    "if-it-leaks#if-it-was-in-a-web-page-or-app": [
        "The key was visible in our phone app",
        "somebody read the key from our html",
    ],
    "if-it-leaks#if-it-was-in-a-chat-or-screenshot": [
        "I posted a screenshot with my key on Slack",
        "there was a key in a photo I posted",
    ],
    "if-it-leaks#what-your-visitors-see": [
        "What do visitors see when the key is revoked?",
        "users get an error after I deleted the key",
    ],
    "if-it-leaks#find-the-hole": [
        "How do I find out where the key leaked from?",
        "how do we investigate the cause",
    ],
    "if-it-leaks#prepare-and-practise": [
        "How can we practise for a leak?",
        "checklist for the emergency drill",
    ],
    "what-it-costs#in-short": [
        "How much does this cost?",
        "what am I billed for",
    ],
    "what-it-costs#tokens": [
        "What is a token?",
        "How many words are in a token?",
        "how many characters make a token",
    ],
    "what-it-costs#input-and-output": [
        "Why is output more expensive than input?",
        "is input cheaper than output",
    ],
    "what-it-costs#cached-input": [
        "What are cached tokens?",
        "why is part of my input cheaper",
    ],
    "what-it-costs#reasoning-tokens": [
        "Why am I charged for reasoning I never see?",
        "why is the reply empty",
    ],
    "what-it-costs#long-chats-cost-more": [
        "Why do long conversations cost more?",
        "do long conversations get expensive",
    ],
    "what-it-costs#the-worst-case-of-one-answer": [
        "What is the most that one answer can cost?",
        "what is the maximum one message can cost me",
    ],
    "what-it-costs#a-worked-example": [
        "Can you show me an example calculation?",
        "work through a price calculation with me",
    ],
    "what-it-costs#budgets": [
        "How do I set a daily budget?",
        "what does budget_spent mean",
        "why did the answer get shorter",
    ],
    "what-it-costs#watching-what-is-spent": [
        "Which visitor spends the most?",
        "can it send me a mail when 80 percent are spent",
        "what is ALERT_URLS for",
    ],
    "what-it-costs#choosing-a-model": [
        "Which model should I choose?",
        "When does gpt-4o shut down?",
        "should I take the big or the small model",
    ],
    "what-it-costs#stopping-and-failed-answers": [
        "Do I pay when I press stop?",
        "does regenerating an answer cost again",
    ],
    "what-it-costs#when-the-money-is-used-up": [
        "What does insufficient_quota mean?",
        "insufficient quota error although I am not fast",
    ],
    "what-it-costs#pausing": [
        "How do I pause the chat?",
        "why did the chat pause by itself",
        "stop everything right now",
    ],
    "what-it-costs#habits-that-keep-the-bill-small": [
        "How can I keep my bill small?",
        "how do I spend as little as possible",
    ],
}
UNKNOWN = [
    "What is the capital of France?",
    "Write me a poem about the sea",
    "Who won the world cup in 2022?",
    "How do I bake sourdough bread?",
    "Translate good morning into Japanese",
    "What is 17 times 23?",
    "Fix this bug in my Rust code",
    "Tell me a joke",
    "asdf qwer zxcv",
    "What's the weather tomorrow?",
    "Wie wird das Wetter morgen?",
    "Recommend a good book",
    "Summarise the French revolution",
    "How do I change a car tyre?",
    "How do I lock my house key safely in a drawer?",
    "best pizza in town",
    "what is the meaning of life",
    "Write a Python function that reverses a list",
    "Plan a trip to Italy for 5 days",
    "who is the president of brazil",
    "give me a recipe for pancakes",
    "how tall is mount everest",
    "write an essay about climate change",
    "sing me a song",
    "what time is it",
    "solve x^2 = 9",
    "how do I train a dog",
    "who is the fastest runner ever",
    "how do I knit a scarf",
    "what's on TV tonight",
    "is pluto a planet",
    "write a limerick",
    "how do I get to the airport",
    "what are good baby names",
    "is it going to snow",
    "who is your favourite singer",
    "how do I plant tomatoes",
    "what is the square root of 144",
    "which laptop is best for gaming",
]
# Written when the guide's `asked` words were settled: leave their words out of the guide. The weights of the search
# were chosen with these questions in view, so the true rate is a little lower.
UNSEEN = {
    "which steps are needed to obtain an API key": "get-a-key#in-short",
    "is it possible to test the app without paying": "get-a-key#try-the-app-without-a-key",
    "what is the point of an API key": "get-a-key#what-a-key-is",
    "one project for all my apps?": "get-a-key#make-an-account-and-a-project",
    "my key vanished, where can I find it": "get-a-key#create-the-key",
    "what should the key be allowed to do": "get-a-key#permissions",
    "why use a service account": "get-a-key#service-accounts",
    "how do I top up my balance": "get-a-key#prepaid-credit-and-auto-reload",
    "I'm scared of a huge bill": "get-a-key#set-a-spend-limit",
    "how do I configure the key": "get-a-key#put-the-key-into-this-app",
    "the app still answers as the tutor although I set a key": "get-a-key#check-that-it-works",
    "which common advice about keys is false": "get-a-key#what-older-guides-get-wrong",
    "why shouldn't I use an environment variable": "keep-it-safe#storage",
    "is it dangerous to use the key in react native": "keep-it-safe#never-in-the-browser",
    "how do I prevent committing secrets": "keep-it-safe#never-in-git",
    "is my key visible in the console output": "keep-it-safe#never-in-the-logs",
    "kubernetes secrets": "keep-it-safe#on-a-hosting-platform",
    "a freelancer needs access": "keep-it-safe#sharing-with-other-people",
    "is 90 days too long for a key": "keep-it-safe#rotation",
    "can I bind the key to a fixed ip": "keep-it-safe#restrict-by-address-not-by-domain",
    "what happens if OPENAI_BASE_URL is wrong": "keep-it-safe#trusted-hosts",
    "how do I protect the app against bots": "keep-it-safe#visitor-limits",
    "can a visitor read the system prompt": "keep-it-safe#the-server-decides",
    "our key has been published, what do I do first": "if-it-leaks#in-short",
    "how do I invalidate a compromised key": "if-it-leaks#revoke-the-key-first",
    "can I run two keys during the change": "if-it-leaks#replace-it-without-downtime",
    "my usage is much higher than expected": "if-it-leaks#signs-of-a-leak",
    "what did the attacker spend": "if-it-leaks#see-what-was-spent",
    "will I be charged for fraud": "if-it-leaks#who-pays",
    "git force push to remove a secret": "if-it-leaks#if-it-was-in-git",
    "key found in source map": "if-it-leaks#if-it-was-in-a-web-page-or-app",
    "I accidentally showed my key in a livestream": "if-it-leaks#if-it-was-in-a-chat-or-screenshot",
    "everyone gets a 503 in the chat": "if-it-leaks#what-your-visitors-see",
    "how to figure out the root cause of a leak": "if-it-leaks#find-the-hole",
    "how to get ready for a leak": "if-it-leaks#prepare-and-practise",
    "what are the prices": "what-it-costs#in-short",
    "tokens vs words": "what-it-costs#tokens",
    "which part of the bill is the answer": "what-it-costs#input-and-output",
    "how does caching reduce the price": "what-it-costs#cached-input",
    "what are hidden reasoning tokens": "what-it-costs#reasoning-tokens",
    "does the chat history count as input": "what-it-costs#long-chats-cost-more",
    "maximum price per answer": "what-it-costs#the-worst-case-of-one-answer",
    "how many cents is a typical answer": "what-it-costs#a-worked-example",
    "can one visitor use up my whole budget": "what-it-costs#budgets",
    "how do I know what the site has spent so far": "what-it-costs#watching-what-is-spent",
    "is a small model good enough": "what-it-costs#choosing-a-model",
    "will I pay for an interrupted answer": "what-it-costs#stopping-and-failed-answers",
    "difference between rate limit and quota errors": "what-it-costs#when-the-money-is-used-up",
    "how do I shut the bot down over the weekend": "what-it-costs#pausing",
    "advice to keep spending low": "what-it-costs#habits-that-keep-the-bill-small",
}


def connect(words_per_second: float = 0) -> OpenAI:
    http = httpx2.Client(transport=TutorTransport(PAGES, words_per_second))
    return OpenAI(api_key="tutor", base_url="http://tutor.invalid/v1", http_client=http, max_retries=0)


@pytest.fixture(scope="module")
def tutor() -> Iterator[OpenAI]:
    with connect() as client:
        yield client


def ask(tutor: OpenAI, *turns: str) -> str:
    """The answer to the last turn; turns alternate between user and assistant."""
    roles = ["user", "assistant"] * len(turns)
    messages: Any = [{"role": role, "content": text} for role, text in zip(roles, turns, strict=False)]
    with tutor.responses.stream(model="any", input=messages) as stream:
        return stream.get_final_response().output_text


def user(text: str) -> Any:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


def source(answer: str) -> str:
    found = re.search(r"^Read on: \[[^\]]+\]\(/guide/([^)]+)\)", answer, re.M)
    return found[1] if found else ""


def offered(answer: str) -> list[str]:
    """The section that is told and those under "See also", as page#anchor."""
    end = answer[answer.find("\nRead on: ") :]
    return re.findall(r"\(/guide/([^)]+)\)", end)


def test_everyday_questions_find_their_section(tutor: OpenAI) -> None:
    asked = [(text, want) for want, texts in QUESTIONS.items() for text in texts]
    answers = [(text, want, ask(tutor, text)) for text, want in asked]
    not_first = [(text, want, source(answer)) for text, want, answer in answers if source(answer) != want]
    not_offered = [(text, want) for text, want, answer in answers if want not in offered(answer)]
    assert len(asked) >= 100
    assert len(not_first) <= 0.15 * len(asked), not_first
    assert len(not_offered) <= 0.05 * len(asked), not_offered


def test_questions_in_words_that_nobody_foresaw_mostly_find_their_section(tutor: OpenAI) -> None:
    answers = [(want, ask(tutor, text)) for text, want in UNSEEN.items()]
    assert sum(source(answer) == want for want, answer in answers) >= 0.65 * len(UNSEEN)
    assert sum(want in offered(answer) for want, answer in answers) >= 0.75 * len(UNSEEN)


def test_every_section_is_some_questions_answer() -> None:
    assert set(QUESTIONS) == {f"{s.page_slug}#{s.anchor}" for page in PAGES for s in page.sections}


def test_what_the_guide_does_not_cover_is_mostly_not_known(tutor: OpenAI) -> None:
    answered = [question for question in UNKNOWN if not ask(tutor, question).startswith(UNKNOWN_OPENING)]
    assert len(answered) <= 0.08 * len(UNKNOWN), answered


def test_not_knowing_says_who_answers_what_can_be_asked_and_how_to_go_live(tutor: OpenAI) -> None:
    answer = ask(tutor, "What is the capital of France?")
    assert answer.startswith(UNKNOWN_OPENING)
    assert "built-in tutor" in answer
    assert "OPENAI_API_KEY_FILE" in answer
    for page in PAGES:
        assert f"(/guide/{page.slug})" in answer


def test_an_answer_is_the_section_itself_with_its_source_and_a_few_neighbours(tutor: OpenAI) -> None:
    answer = ask(tutor, "May I commit the key to a private GitHub repo?")
    section = next(s for page in PAGES for s in page.sections if s.title == "Never in git")
    assert answer.startswith("The guide says under “Keep it safe: Never in git”:\n\n")
    assert section.text in answer
    assert "Read on: [Keep it safe: Never in git](/guide/keep-it-safe#never-in-git)" in answer
    assert 2 <= len(offered(answer)) <= 3


def test_every_link_in_an_answer_resolves(tutor: OpenAI) -> None:
    known = {f"/guide/{s.page_slug}#{s.anchor}" for page in PAGES for s in page.sections}
    known |= {f"/guide/{page.slug}" for page in PAGES}
    for texts in ([["Hello"], ["What is love?"]], *[QUESTIONS.values()]):
        for text in texts:
            links = re.findall(r"\]\((/[^)]*)\)", ask(tutor, text[0]))
            assert links
            assert not set(links) - known


@pytest.mark.parametrize("greeting", ["Hi", "hello!", "Good morning", "hey there", "test", "  "])
def test_a_greeting_is_returned(tutor: OpenAI, greeting: str) -> None:
    assert ask(tutor, greeting).startswith("Hello! I am the built-in tutor")


@pytest.mark.parametrize(
    "question", ["Who are you?", "what can you do", "Are you ChatGPT?", "help", "What’s your name?"]
)
def test_the_tutor_says_what_it_is(tutor: OpenAI, question: str) -> None:
    assert ask(tutor, question).startswith("Hello! I am the built-in tutor")


@pytest.mark.parametrize("thanks", ["thanks!", "Thank you very much.", "ok", "great, thanks for your help"])
def test_thanks_are_acknowledged(tutor: OpenAI, thanks: str) -> None:
    assert ask(tutor, thanks).startswith("You are welcome.")


@pytest.mark.parametrize(
    ("question", "want"),
    [
        ("Thanks, and how do I revoke a key?", "if-it-leaks#revoke-the-key-first"),
        ("Hi, how do I rotate keys?", "keep-it-safe#rotation"),
        ("What can you tell me about reasoning tokens?", "what-it-costs#reasoning-tokens"),
        ("cost?", "what-it-costs#in-short"),
        ("tokens", "what-it-costs#tokens"),
        ("MAX_OUTPUT_TOKENS", "what-it-costs#reasoning-tokens"),
    ],
)
def test_manners_and_single_words_do_not_hide_a_question(tutor: OpenAI, question: str, want: str) -> None:
    assert want in offered(ask(tutor, question))


def test_a_very_short_question_is_read_with_the_one_before_it(tutor: OpenAI) -> None:
    question = "How often should I rotate keys?"
    for follow_up in ("and on weekends?", "why?"):
        assert ask(tutor, follow_up).startswith(UNKNOWN_OPENING)
        assert source(ask(tutor, question, "Every 90 days.", follow_up)) == "keep-it-safe#rotation"


def test_asking_for_more_does_not_repeat_the_answer(tutor: OpenAI) -> None:
    first = ask(tutor, "My key was stolen, what do I do?")
    second = ask(tutor, "My key was stolen, what do I do?", first, "tell me more")
    assert source(second)
    assert source(second) != source(first)


def test_a_new_short_question_is_not_drowned_by_the_one_before_it(tutor: OpenAI) -> None:
    first = ask(tutor, "How do long chats cost more?")
    assert source(ask(tutor, "How do long chats cost more?", first, "and on Heroku?")) == (
        "keep-it-safe#on-a-hosting-platform"
    )


def test_responses_stream_has_openais_events_in_order(tutor: OpenAI) -> None:
    events = list(tutor.responses.create(model="gpt-6-luna", input=user("What is a token?"), stream=True))
    types = [event.type for event in events]
    deltas = types.count("response.output_text.delta")
    assert types == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * deltas,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last: Any = events[-1]
    assert last.response.status == "completed"
    assert last.response.model == "gpt-6-luna"
    assert last.response.usage.output_tokens == deltas
    assert last.response.usage.input_tokens == 4
    assert last.response.usage.total_tokens == deltas + 4


def test_responses_deltas_are_words_that_join_to_the_whole_text(tutor: OpenAI) -> None:
    question = "My key was stolen, what do I do?"
    with tutor.responses.stream(model="any", input=user(question)) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert "".join(deltas) == final.output_text == ask(tutor, question)
    assert all(len(delta.split()) == 1 for delta in deltas)
    assert all(delta[-1].isspace() for delta in deltas[:-1])
    assert "\n1. [Revoke it](/guide/if-it-leaks#revoke-the-key-first)" in final.output_text


def test_every_object_is_valid_by_the_sdks_own_types(tutor: OpenAI) -> None:
    for event in tutor.responses.create(model="any", input=user("Hi"), stream=True):
        type(event).model_validate(event.model_dump(), strict=False)


def test_other_addresses_are_not_found_as_openai_says_it(tutor: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        tutor.embeddings.create(model="any", input="x")
    assert caught.value.code == "unknown_url"
    assert caught.value.request_id


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"\xff",
        b"[" * 100_000,
        b"{}",
        b'{"model": 1, "input": "Hi"}',
        b'{"model": "any", "input": 5}',
        b'{"model": "any", "input": [null]}',
        b'{"model": "any", "input": "Hi", "max_output_tokens": 0}',
        b'{"model": "any", "input": "Hi", "max_output_tokens": true}',
        b'{"model": "any", "input": "Hi", "max_output_tokens": "many"}',
    ],
    ids=range(13),
)
def test_a_malformed_request_is_refused_as_openai_does(body: bytes) -> None:
    with httpx2.Client(transport=TutorTransport(PAGES, 0)) as http:
        response = http.post("http://tutor.invalid/v1/responses", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_huge_question_is_answered_within_a_second(tutor: OpenAI) -> None:
    began = time.perf_counter()
    ask(tutor, "hello key " * 200_000)
    ask(tutor, "a" * 2_000_000)
    assert time.perf_counter() - began < 1


def test_words_come_at_the_pace_that_was_set() -> None:
    with connect(words_per_second=100) as client:
        began = time.perf_counter()
        events = list(client.responses.create(model="any", input=user("thanks"), stream=True))
        took = time.perf_counter() - began
    words = sum(event.type == "response.output_text.delta" for event in events)
    assert took >= words / 100
    assert took < (len(events) + 50) / 100


def test_a_cut_call_ends_at_the_next_word() -> None:
    client = Client("http://tutor.invalid/v1", "responses", Ring(), TutorTransport(PAGES, words_per_second=50))
    cut = Cut()
    reply = client.open(Call("any", "none", [("user", "What is a token?")], 2048, "none", "none"), cut)
    with closing(reply):
        threading.Timer(0.3, cut.pull).start()
        began = time.monotonic()
        batches = list(reply)
    assert 0.2 < time.monotonic() - began < 1
    assert "".join(batch.text for batch in batches)
    assert batches[-1].problem is not None


def test_many_threads_share_one_tutor(tutor: OpenAI) -> None:
    wants = ["what-it-costs#tokens", "keep-it-safe#rotation", "if-it-leaks#who-pays"]
    wrong: list[str] = []

    def visit(want: str) -> None:
        for _ in range(5):
            for text in QUESTIONS[want]:
                wrong.extend([text] if want not in offered(ask(tutor, text)) else [])

    threads = [threading.Thread(target=visit, args=(want,)) for want in wants * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_index_is_built_in_no_time() -> None:
    def build_ms() -> float:
        began = time.process_time()
        TutorTransport(PAGES)
        return (time.process_time() - began) * 1000

    assert min(build_ms() for _ in range(3)) < INDEX_MS


def test_responses_end_incomplete_at_the_bound(tutor: OpenAI) -> None:
    question = user("What is a token?")
    events: Any = list(tutor.responses.create(model="any", input=question, max_output_tokens=16, stream=True))
    assert events[-1].type == "response.incomplete"
    answer = events[-1].response
    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.usage.output_tokens == 16
    assert len(answer.output_text.split()) == 16


@pytest.mark.parametrize("turns", [[], [{"role": "assistant", "content": "What is a token?"}]])
def test_a_conversation_without_a_question_is_greeted(tutor: OpenAI, turns: Any) -> None:
    with tutor.responses.stream(model="any", input=turns) as stream:
        assert stream.get_final_response().output_text.startswith("Hello!")


@pytest.mark.parametrize("at", [1, 20, 200])
def test_an_answer_that_was_cut_off_goes_on_where_it_ends(tutor: OpenAI, at: int) -> None:
    question = "How do I keep my key safe?"
    whole = ask(tutor, question)
    assert whole[:at] + ask(tutor, question, whole[:at], GO_ON) == whole
    assert ask(tutor, "Hello", "Hello!", question, whole[at:300], GO_ON) == whole[300:], (
        "though its beginning was left out"
    )


def test_an_answer_that_the_tutor_never_gave_does_not_go_on(tutor: OpenAI) -> None:
    assert ask(tutor, "How do I keep my key safe?", "Never said", GO_ON) == ""
