"""Holds the tutor to what the real SDK expects of OpenAI, and its answers to everyday questions."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
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
from chatbot.tutor.answer import answer, guess
from chatbot.tutor.passages import passages
from chatbot.tutor.search import LEAST, Index
from chatbot.tutor.transport import TutorTransport

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = book.load(ROOT)
INDEX = Index(passages(PAGES))
INDEX_MS, SEARCH_MS = 300, 20  # on a slow machine: it takes a third of that
UNKNOWN_OPENING = "I do not know that."

# What people ask, by the section that answers it; of an exercise of the lab any section will do.
QUESTIONS = {
    "get-a-key#in-short": ["How do I get an API key?", "how do i start"],
    "get-a-key#try-the-app-without-a-key": [
        "Can I try this app without an API key?",
        "is there a demo mode",
        "why is my chat answering with guide text instead of chatgpt",
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
        "my key starts with sk-admin is that ok",
    ],
    "get-a-key#service-accounts": ["What is a service account?", "key for a server instead of a person"],
    "get-a-key#prepaid-credit-and-auto-reload": ["How do I switch off auto reload?", "my card keeps getting charged"],
    "get-a-key#set-a-spend-limit": [
        "How can I set a maximum monthly spend?",
        "Does a spend alert block anything?",
        "can I tell OpenAI to stop at 20 dollars",
    ],
    "get-a-key#put-the-key-into-this-app": ["How do I go live with a real model?", "I have a key, what next?"],
    "get-a-key#check-that-it-works": ["How do I check whether my key works?", "is my key accepted?"],
    "keep-it-safe#in-short": ["top security tips please"],
    "keep-it-safe#storage": [
        "Where should I store the key on my server?",
        "Is an environment variable secure enough?",
        "is it ok to keep it in a database",
    ],
    "keep-it-safe#never-in-the-browser": [
        "Can I hide the key in my JavaScript?",
        "Is it ok to call OpenAI straight from React?",
        "can I put the key into a chrome extension or phone app if I encrypt it",
        "can someone see my key if they press F12",
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
    "keep-it-safe#sharing-with-other-people": ["Can I share my key with a teammate?", "how should a team handle keys"],
    "keep-it-safe#rotation": ["How often should I rotate keys?", "when is it time for a new key"],
    "keep-it-safe#restrict-by-address-not-by-domain": [
        "Can I restrict the key to my website's domain?",
        "How do I allow only my server's IP address?",
        "restrict key by website",
    ],
    "keep-it-safe#trusted-hosts": ["does this work with other providers"],
    "keep-it-safe#visitor-limits": [
        "How do I stop one visitor from spamming my bot?",
        "what if someone spams the chat",
    ],
    "keep-it-safe#the-server-decides": [
        "Can visitors change the system prompt?",
        "can people change the model from the browser console",
    ],
    "if-it-leaks#in-short": ["My key was stolen, what do I do?", "I think I've been hacked"],
    "if-it-leaks#revoke-the-key-first": ["How do I revoke a key?", "kill a key right now"],
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
    "if-it-leaks#who-pays": ["Will OpenAI refund the stolen money?", "who is liable for the stolen usage"],
    "if-it-leaks#if-it-was-in-git": ["I pushed my key to GitHub by accident, help!", "I uploaded my key to github"],
    "if-it-leaks#if-it-was-in-a-web-page-or-app": [
        "The key was visible in our phone app",
        "somebody read the key from our html",
        "i put my key in index.html what now",
    ],
    "if-it-leaks#if-it-was-in-a-chat-or-screenshot": [
        "I posted a screenshot with my key on Slack",
        "there was a key in a photo I posted",
    ],
    "if-it-leaks#what-your-visitors-see": [
        "What do visitors see when the key is revoked?",
        "users get an error after I deleted the key",
    ],
    "if-it-leaks#find-the-hole": ["How do I find out where the key leaked from?", "how do we investigate the cause"],
    "if-it-leaks#prepare-and-practise": ["How can we practise for a leak?", "checklist for the emergency drill"],
    "what-it-costs#in-short": ["How much does this cost?", "what am I billed for"],
    "what-it-costs#tokens": ["What is a token?", "How many words are in a token?", "how many characters make a token"],
    "what-it-costs#input-and-output": ["Why is output more expensive than input?", "is input cheaper than output"],
    "what-it-costs#cached-input": ["What are cached tokens?", "why is part of my input cheaper"],
    "what-it-costs#reasoning-tokens": ["Why am I charged for reasoning I never see?", "why is the reply empty"],
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
        "what's the difference between flask pause and revoking",
        "stop everything right now",
    ],
    "what-it-costs#habits-that-keep-the-bill-small": [
        "How can I keep my bill small?",
        "how do I spend as little as possible",
    ],
    "keep-it-safe#secret-managers": ["What is a secret manager?", "should I use AWS Secrets Manager"],
    "keep-it-safe#no-stored-key": ["What is workload identity?", "can I do without a stored key"],
    "keep-it-safe#no-debugger-for-others": ["Is debug mode dangerous?", "may I leave FLASK_DEBUG on in production"],
    "keep-it-safe#watch-it": ["How do I monitor the key?", "what should I watch every week"],
    "keep-it-safe#limits-that-hold": [
        "Why does a limit need a shared store?",
        "do forged addresses get around the limits",
    ],
    "keep-it-safe#do-not-trust-the-answer": ["Can an answer attack my page?", "is the Markdown of an answer sanitised"],
    "if-it-leaks#learn-from-it": ["What do we do after a leak?", "how do I write a post-mortem"],
    "what-it-costs#calculator": ["Is there a cost calculator?", "work out the costs with my own numbers"],
    "use-it-well#in-short": ["How do I use AI responsibly?", "what must I do before I open my chat to the public"],
    "use-it-well#what-openai-keeps": ["Does OpenAI train on my chats?", "how long does OpenAI keep the data"],
    "use-it-well#what-this-app-keeps": ["What does the app store about visitors?", "are the chats logged"],
    "use-it-well#deleting-and-taking-out": ["How can visitors delete their data?", "can people download their chats"],
    "use-it-well#moderation": ["What does MODERATION=block do?", "how do I stop hateful messages"],
    "use-it-well#say-that-a-machine-answers": [
        "Do I have to say that an AI answers?",
        "what does the EU AI Act ask of a chat bot",
    ],
    "use-it-well#answers-can-be-wrong": ["Does the model make things up?", "what about hallucinations"],
    "use-it-well#children-and-delicate-subjects": [
        "May children use the chat?",
        "what if somebody asks for medical advice",
    ],
    "use-it-well#who-answers-for-it": ["Who is responsible for what the bot says?", "which usage policies apply to me"],
    "older-guides#in-short": ["How do I see that a guide is out of date?", "what has changed since older tutorials"],
    "older-guides#one-key-per-account": ["Is it true that there is only one key per account?"],
    "older-guides#restrict-the-key-by-web-domain": ["older guides say I can restrict a key to a web domain"],
    "older-guides#look-the-key-up-later": ["the tutorial says I can look the key up later"],
    "older-guides#prices-of-the-day": ["the guide says a thousand tokens cost 0.2 cents"],
    "older-guides#models-of-the-day": [
        "can I still use gpt-3.5-turbo",
        "is gpt-4 still available",
        "is gpt-4o still working",
    ],
    "older-guides#put-it-in-the-front-end-with-a-variable": [
        "is NEXT_PUBLIC_OPENAI_KEY safe",
        "VITE_ variable for the key",
    ],
    "older-guides#environment-variables-are-safe": ["are environment variables the safe place"],
    "older-guides#free-credit-covers-it": ["do new accounts get free credit?"],
    "older-guides#soft-limit-and-hard-limit": ["where do I set the soft limit and the hard limit"],
    "older-guides#the-old-sdk": ["openai.ChatCompletion.create does not work", "the old Python SDK"],
    "older-guides#delete-the-commit": ["is it enough to delete the commit"],
    "older-guides#retry-on-every-429": ["should I retry on every 429"],
    "older-guides#limits-in-memory": ["is storage_uri memory:// good enough for a limiter"],
    "lab#how-to-go-through-it": [
        "How do I start the lab?",
        "are there any exercises to learn by doing",
        "where do i put my solution for an exercise",
    ],
    "lab#the-exercises": ["Which exercises are there in the lab?"],
    "lab#the-commands": ["How do I run an attack?", "flask lab check"],
    "lab#what-the-bill-means": ["Does the lab cost me money?"],
    "lab#is-it-safe": ["Is the lab safe to run on my machine?"],
    "lab/01-key-in-javascript": ["lab exercise with the key in a script", "how do people steal a key from a website"],
    "lab/02-key-in-a-template": ["key in the page's template"],
    "lab/03-key-in-git-history": ["exercise: find the key in an old commit"],
    "lab/04-key-in-the-error-page": ["a traceback page shows the key to everybody"],
    "lab/05-debug-console": ["how does the attack on the debug console work", "what is exercise 5 about"],
    "lab/06-client-chosen-model": ["what does it cost when the client chooses the model"],
    "lab/07-no-limits": ["what happens to a chat app with no limits"],
    "lab/08-limits-in-memory": ["why do four workers let four times the limit through"],
    "lab/09-limits-by-forged-address": ["attack with a forged X-Forwarded-For"],
    "lab/10-budget-after-the-fact": ["budget that is checked too late, exercise"],
    "lab/11-abort-without-charge": ["attack: abort the answer so that nothing is charged"],
    "lab/12-system-prompt-from-the-browser": ["lab: the browser sends the system prompt"],
    "lab/13-raw-html-from-the-model": ["lab: the model's answer as raw HTML"],
    "lab/14-base-url-from-the-client": ["app that takes the base URL from the client"],
    "lab/15-key-in-the-log": ["how does a newline put the key into the log"],
    "lab/16-somebody-elses-chat": ["exercise about reading somebody else's chat"],
    "reference#pages-of-the-reference": ["Where is the documentation?"],
    "reference/configuration#all-settings": [
        "what is BUDGET_SITE_DAY",
        "OPENAI_TRUSTED_HOSTS",
        "What is OPENAI_TRUSTED_HOSTS for?",
        "what is ALERT_URLS for",
        "default of WEB_CONCURRENCY",
        "budget_visitor_day",
        "which setting names the database",
    ],
    "reference/configuration#how-limits-are-written": ["How do I write a rate limit?"],
    "reference/configuration#money": ["how do I set MODEL_PRICES for an unknown model"],
    "reference/configuration#alerts": ["how do I write an Apprise address for alerts"],
    "reference/configuration#who-may-enter": ["How do I set an access code?"],
    "reference/configuration#another-server-than-openais": ["which servers speak the Responses API besides OpenAI"],
    "reference/configuration#your-own-front-end": ["another front end on another origin, ALLOWED_ORIGINS"],
    "reference/configuration#where-data-live": ["where do chats and the ledger live"],
    "reference/commands#all-commands": [
        "flask drill",
        "what does flask scan do",
        "flask pause",
        "flask resume",
        "flask usage --reconcile",
    ],
    "reference/commands#exit-codes": ["What do the exit codes mean?"],
    "reference/commands#commands-of-make": ["make bench", "what does make check do"],
    "reference/commands#is-somebody-else-using-the-key": ["how often should I reconcile with an admin key"],
    "reference/desk#metrics": ["How do I scrape metrics with Prometheus?"],
    "reference/desk#signing-in": ["how long does a session at the desk last", "forgot my admin password"],
    "reference/http#routes-of-the-api": [
        "/api/chats/import",
        "what does POST /api/chat do",
        "which route streams the answer",
    ],
    "reference/http#other-routes": ["/healthz"],
    "reference/http#problems": [
        "what does the code reply_running mean",
        "problem code cross_site",
        "what does 409 mean",
    ],
    "reference/http#the-request-of-a-turn": ["what is the body of POST /api/chat"],
    "reference/http#an-example": ["how do I call the API with curl"],
    "reference/threats#the-key": ["which test shows that the debug console is refused", "what is a canary key"],
    "reference/threats#the-page": ["threat: formulas and code that freeze the page"],
    "reference/threats#the-money": ["threat: counters and budgets per worker"],
    "reference/privacy#what-is-kept": ["which tables hold something of a visitor"],
    "reference/architecture#the-way-of-a-message": ["which modules does a message go through"],
    "reference/upgrading#back-up-first": ["How do I back up the database?", "how to backup the database"],
    "reference/upgrading#go-back": ["can I go back to an older version"],
    "reference/deploying#what-it-needs": ["does it work on windows", "which python version do i need"],
    "reference/deploying#on-a-platform": ["how do i deploy to heroku"],
    "reference/deploying#behind-a-proxy": ["what do I set in nginx"],
    "reference/deploying#stop-and-restart": ["how do i stop the server"],
    "reference/make-it-yours#the-name": ["how do I change the name of the site"],
    "reference/make-it-yours#another-language": ["can the page speak French"],
    "reference/make-it-yours#a-server-of-your-own-such-as-ollama": ["how do I use Ollama"],
    "reference/make-it-yours#without-the-desk": ["how do I take out the desk"],
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
    "what does the word serendipity mean",
    "how do I file my taxes",
    "how do I make a video with Sora",
    "how do I join two tables in SQL",
    "which countries are in the EU",
    "how old is the universe",
    "how to lose weight fast",
    "how do I set up a VPN on my router",
    "how do I make a Discord bot in rust",
    "what's the best way to invest 10000 euros",
    "how long should I boil an egg",
    "how do I write a regex for emails",
    "write a python function that reverses a string",
    "how do I pick a lock",
    "what is the difference between GPT and BERT",
    "how do i unlock my phone",
    "can you help me with my math homework",
    "how do I generate images with DALL-E",
    "fix this bug in my code",
    "what is machine learning",
    "how many parameters does GPT-4 have",
    "translate this contract into German",
    "who is the CEO of OpenAI",
    "how do I remove a stain from a carpet",
    "book me a flight to Lisbon",
    "translate good morning into Spanish",
    "how do I connect to wifi",
    "how does a car engine work",
    "when does the next train to Hamburg leave",
    "why is the sky blue",
    "how do I sort a list in python",
    "suggest a name for my dog",
    "how do I recover a lost Gmail password",
    "fix my car's engine noise",
    "who was the first man on the moon",
    "what's the difference between TCP and UDP",
    "best pizza recipe",
    "what is docker compose",
    "give me a recipe for lasagne",
    "what are embeddings and vector databases",
]
# Written before the search was tuned, and in words that no section is asked by: leave them out of the guide.
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
    "which common advice about keys is false": "older-guides#in-short",
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
    "what do I need to do to get going with the API": "get-a-key#in-short",
    "can my students try this without a credit card": "get-a-key#try-the-app-without-a-key",
    "does a ChatGPT subscription include API access": "get-a-key#what-a-key-is",
    "where do I create a project": "get-a-key#make-an-account-and-a-project",
    "I lost my key, how do I get it back": "get-a-key#create-the-key",
    "should I set an expiry date when creating a key": "get-a-key#create-the-key",
    "restricted key or full access": "get-a-key#permissions",
    "what happens to the key when an employee leaves": "get-a-key#service-accounts",
    "OpenAI recharged my credit card without asking": "get-a-key#prepaid-credit-and-auto-reload",
    "difference between a spend limit and a spend alert": "get-a-key#set-a-spend-limit",
    "where do I paste my new API key": "get-a-key#put-the-key-into-this-app",
    "how can I verify that the key is valid": "get-a-key#check-that-it-works",
    "how do I keep an API key secure": "keep-it-safe#in-short",
    "is it safe to save the key in a .env file": "keep-it-safe#storage",
    "should I use a vault for the key": "keep-it-safe#secret-managers",
    "can I run the app without storing a key at all": "keep-it-safe#no-stored-key",
    "can someone find my key with the developer tools": "keep-it-safe#never-in-the-browser",
    "how do I make sure that no key is committed": "keep-it-safe#never-in-git",
    "can my key end up in a traceback": "keep-it-safe#never-in-the-logs",
    "is it dangerous to leave debug mode on": "keep-it-safe#no-debugger-for-others",
    "deploy to render with secrets": "keep-it-safe#on-a-hosting-platform",
    "a colleague wants to use my key too": "keep-it-safe#sharing-with-other-people",
    "how frequently must a key be replaced": "keep-it-safe#rotation",
    "allow only my server's address to use the key": "keep-it-safe#restrict-by-address-not-by-domain",
    "can I use a proxy in front of OpenAI": "keep-it-safe#trusted-hosts",
    "how do I get notified when something strange happens": "keep-it-safe#watch-it",
    "one user sends hundreds of messages": "keep-it-safe#visitor-limits",
    "do the limits still hold with several workers": "keep-it-safe#limits-that-hold",
    "could a visitor pick an expensive model": "keep-it-safe#the-server-decides",
    "can the model's answer contain malicious html": "keep-it-safe#do-not-trust-the-answer",
    "my API key was exposed, what should I do": "if-it-leaks#in-short",
    "how do I deactivate a leaked key": "if-it-leaks#revoke-the-key-first",
    "switch to another key while people are chatting": "if-it-leaks#replace-it-without-downtime",
    "how can I tell if somebody else is using my key": "if-it-leaks#signs-of-a-leak",
    "how much money did the thief use": "if-it-leaks#see-what-was-spent",
    "do I get my money back after a leak": "if-it-leaks#who-pays",
    "I committed my .env to a public repo": "if-it-leaks#if-it-was-in-git",
    "our javascript bundle contained the key": "if-it-leaks#if-it-was-in-a-web-page-or-app",
    "I pasted my key into a slack channel": "if-it-leaks#if-it-was-in-a-chat-or-screenshot",
    "what does a user see while the key is revoked": "if-it-leaks#what-your-visitors-see",
    "where did the leak come from": "if-it-leaks#find-the-hole",
    "what should we write down after an incident": "if-it-leaks#learn-from-it",
    "can I practise a leak without risk": "if-it-leaks#prepare-and-practise",
    "what does it cost to run this chat": "what-it-costs#in-short",
    "how are tokens counted": "what-it-costs#tokens",
    "are output tokens dearer than input tokens": "what-it-costs#input-and-output",
    "do repeated prompts get a discount": "what-it-costs#cached-input",
    "does the model's thinking cost money": "what-it-costs#reasoning-tokens",
    "why does every question in a long chat get more expensive": "what-it-costs#long-chats-cost-more",
    "what is the highest price of a single answer": "what-it-costs#the-worst-case-of-one-answer",
    "show me a cost example with real numbers": "what-it-costs#a-worked-example",
    "is there a calculator for the costs": "what-it-costs#calculator",
    "limit the spending per day": "what-it-costs#budgets",
    "how do I see today's spending": "what-it-costs#watching-what-is-spent",
    "which model is the cheapest": "what-it-costs#choosing-a-model",
    "do I pay for an answer that I stopped": "what-it-costs#stopping-and-failed-answers",
    "what happens when my credit runs out": "what-it-costs#when-the-money-is-used-up",
    "turn off the chat for the night": "what-it-costs#pausing",
    "how can I reduce my OpenAI bill": "what-it-costs#habits-that-keep-the-bill-small",
    "what is BUDGET_VISITOR_DAY": "reference/configuration#all-settings",
    "default of MAX_OUTPUT_TOKENS": "reference/configuration#all-settings",
    "what does CHAT_RETENTION_DAYS do": "reference/configuration#all-settings",
    "which port does the app listen on": "reference/configuration#all-settings",
    "notation of rate limits like 8/minute": "reference/configuration#how-limits-are-written",
    "set a price for an unknown model": "reference/configuration#money",
    "how do I protect the chat with an access code": "reference/configuration#who-may-enter",
    "does the app check questions with moderation": "reference/configuration#moderation",
    "where is the data stored": "reference/configuration#where-data-live",
    "what does flask doctor do": "reference/commands#all-commands",
    "flask keys verify": "reference/commands#all-commands",
    "how do I upgrade the database tables": "reference/commands#all-commands",
    "how do I read the numbers of flask usage": "reference/commands#reading-the-usage",
    "which columns does metrics have for prometheus": "reference/desk#metrics",
    "I am locked out of the admin page": "reference/desk#signing-in",
    "can the desk block a visitor": "reference/desk#what-it-does",
    "what does /readyz return": "reference/http#other-routes",
    "how do I delete all chats by the api": "reference/http#routes-of-the-api",
    "which events does the stream send": "reference/http#the-stream",
    "how do I resume a stream with Last-Event-ID": "reference/http#listening-again",
    "what does the problem code busy mean": "reference/http#problems",
    "what stops a forged X-Forwarded-For": "reference/threats#the-money",
    "which test proves that the budget holds in a race": "reference/threats#the-money",
    "what stops one visitor from reading another's chat": "reference/threats#the-visitors-chats",
    "is my IP address stored": "reference/privacy#what-is-kept",
    "what happens when a visitor deletes their data": "reference/privacy#what-deleting-does",
    "are backups deleted too": "reference/privacy#what-deleting-does-not-do",
    "what happens when a worker shuts down": "reference/architecture#processes-and-their-end",
    "show me the attack on a key in the javascript": "lab/01-key-in-javascript",
    "example of a key in a jinja template": "lab/02-key-in-a-template",
    "exercise about a key in the git history": "lab/03-key-in-git-history",
    "error page that shows the key": "lab/04-key-in-the-error-page",
    "exercise with the werkzeug debug console": "lab/05-debug-console",
    "attack where the client chooses the model": "lab/06-client-chosen-model",
    "broken app without any limits": "lab/07-no-limits",
    "exercise: limits counted in memory with four workers": "lab/08-limits-in-memory",
    "attack with forged addresses against limits": "lab/09-limits-by-forged-address",
    "budget checked after the call": "lab/10-budget-after-the-fact",
    "attack that aborts to avoid the charge": "lab/11-abort-without-charge",
    "browser sends the system prompt exercise": "lab/12-system-prompt-from-the-browser",
    "the client sends the base url": "lab/14-base-url-from-the-client",
    "key in the log by a newline": "lab/15-key-in-the-log",
    "read somebody else's chat exercise": "lab/16-somebody-elses-chat",
    # and these after it:
    "do I have to pay anything to look at this": "get-a-key#try-the-app-without-a-key",
    "who gets charged for the key": "get-a-key#what-a-key-is",
    "my key disappeared after I closed the tab": "get-a-key#create-the-key",
    "stop OpenAI from topping up automatically": "get-a-key#prepaid-credit-and-auto-reload",
    "put a ceiling on what OpenAI may bill me each month": "get-a-key#set-a-spend-limit",
    "what file mode should the key file have": "keep-it-safe#storage",
    "push protection for secrets": "keep-it-safe#never-in-git",
    "kubernetes service without a key": "keep-it-safe#no-stored-key",
    "new developer joins, should she get our key": "keep-it-safe#sharing-with-other-people",
    "is an ip allowlist possible": "keep-it-safe#restrict-by-address-not-by-domain",
    "someone is flooding my chat": "keep-it-safe#visitor-limits",
    "images in answers could leak the chat": "keep-it-safe#do-not-trust-the-answer",
    "someone is spending on my key, help": "if-it-leaks#in-short",
    "will OpenAI refund me": "if-it-leaks#who-pays",
    "key posted on stack overflow": "if-it-leaks#if-it-was-in-a-chat-or-screenshot",
    "rehearse an emergency": "if-it-leaks#prepare-and-practise",
    "how many tokens is a page": "what-it-costs#tokens",
    "answer cut off in the middle": "what-it-costs#reasoning-tokens",
    "does the whole conversation get sent each time": "what-it-costs#long-chats-cost-more",
    "daily cap in dollars": "what-it-costs#budgets",
    "alert at 80 percent of the budget": "what-it-costs#watching-what-is-spent",
    "error 429 insufficient_quota": "what-it-costs#when-the-money-is-used-up",
    "resume after a pause": "what-it-costs#pausing",
    "must I tell visitors that it is an AI": "use-it-well#say-that-a-machine-answers",
    "is chat data used for training": "use-it-well#what-openai-keeps",
    "is gpt-3.5 still around": "older-guides#models-of-the-day",
    "what does KEY_MAX_AGE_DAYS do": "reference/configuration#all-settings",
    "LOG_FORMAT": "reference/configuration#all-settings",
    "what does /metrics show": "reference/http#other-routes",
    "change the colours of the page": "reference/make-it-yours#colours-type-and-icons",
    "restore a backup": "reference/upgrading#go-back",
    "lab about the debugger": "lab/05-debug-console",
    "attack: unlimited messages": "lab/07-no-limits",
    "my friend says you can just put the key in the html if nobody knows the url": "keep-it-safe#never-in-the-browser",
    "is it ok to keep the key in a private github repo": "keep-it-safe#never-in-git",
    "does deleting the file and committing again remove the key": "if-it-leaks#if-it-was-in-git",
    "somebody spent 800 dollars on my account overnight": "if-it-leaks#in-short",
    "can openai tell me who used my key": "if-it-leaks#see-what-was-spent",
    "how often should i swap the key for a new one": "keep-it-safe#rotation",
    "whats a standby key for": "if-it-leaks#revoke-the-key-first",
    "do i need a server or can i do this in the browser only": "keep-it-safe#never-in-the-browser",
    "can I restrict the key to mydomain.com": "keep-it-safe#restrict-by-address-not-by-domain",
    "what is a service account and do i need one": "get-a-key#service-accounts",
    "why is the key only displayed one time": "get-a-key#create-the-key",
    "i pay 20 a month for chatgpt, why pay more": "get-a-key#what-a-key-is",
    "how many keys can one account have": "get-a-key#create-the-key",
    "is .env safe": "keep-it-safe#storage",
    "should i use vault or aws secrets manager": "keep-it-safe#secret-managers",
    "can i run this with no key stored anywhere": "keep-it-safe#no-stored-key",
    "does the app log my key anywhere": "keep-it-safe#never-in-the-logs",
    "what if a user pastes their key in the chat box": "if-it-leaks#if-it-was-in-a-chat-or-screenshot",
    "pre-commit hook for keys": "keep-it-safe#never-in-git",
    "how much does a message cost": "what-it-costs#a-worked-example",
    "why do long conversations get pricier": "what-it-costs#long-chats-cost-more",
    "what are reasoning tokens and do i pay for them": "what-it-costs#reasoning-tokens",
    "what's the most this thing can cost me per day": "what-it-costs#budgets",
    "how to stop one person from using up everything": "keep-it-safe#visitor-limits",
    "what's the difference between the limit at openai and the budget here": "older-guides#soft-limit-and-hard-limit",
    "i get 429 all the time": "what-it-costs#when-the-money-is-used-up",
    "turn it all off right now": "what-it-costs#pausing",
    "do i get charged when the server crashes": "what-it-costs#stopping-and-failed-answers",
    "is gpt-4o still around": "older-guides#models-of-the-day",
    "can users pick gpt-6-sol themselves": "keep-it-safe#the-server-decides",
    "what's auto reload and should i turn it off": "get-a-key#prepaid-credit-and-auto-reload",
    "do i have to tell visitors it's an AI": "use-it-well#say-that-a-machine-answers",
    "kids using my chatbot": "use-it-well#children-and-delicate-subjects",
    "can i read what visitors write": "use-it-well#what-this-app-keeps",
    "is the answer always right": "use-it-well#answers-can-be-wrong",
    "someone told the bot to ignore its instructions": "keep-it-safe#the-server-decides",
    "the old tutorial says dangerouslyAllowBrowser": "older-guides#put-it-in-the-front-end-with-a-variable",
    "the tutorial i follow uses gpt-3.5-turbo": "older-guides#models-of-the-day",
    "is obfuscation ok": "keep-it-safe#never-in-the-browser",
    "what about putting the key in a mobile app": "keep-it-safe#never-in-the-browser",
    "fake X-Forwarded-For headers": "keep-it-safe#limits-that-hold",
    "i run four workers and people get four times the limit": "keep-it-safe#limits-that-hold",
    "xss from the model's answer": "keep-it-safe#do-not-trust-the-answer",
    "how do i put a password on the whole site": "reference/configuration#who-may-enter",
    "how do i put it on heroku": "reference/deploying#on-a-platform",
    "sqlite or postgres": "reference/configuration#where-data-live",
    "can i use ollama instead": "reference/make-it-yours#a-server-of-your-own-such-as-ollama",
    "i want to use my own react frontend": "reference/make-it-yours#another-front-end",
    "how long does the lab take": "lab#the-exercises",
    "do i get in trouble if someone uses my key for bad stuff": "use-it-well#who-answers-for-it",
    "where do i click to make a key": "get-a-key#create-the-key",
    "my boss wants his own key, should i give him mine": "keep-it-safe#sharing-with-other-people",
    "the key was on a screenshot in our slack": "if-it-leaks#if-it-was-in-a-chat-or-screenshot",
    "do hackers really scan github": "keep-it-safe#never-in-git",
    "how do i mount a secret file in kubernetes": "keep-it-safe#secret-managers",
    "what does the fingerprint in the logs mean": "keep-it-safe#never-in-the-logs",
    "what if my card is charged again and again": "get-a-key#prepaid-credit-and-auto-reload",
    "how much for 1000 questions a day": "what-it-costs#calculator",
    "why was my answer cut off in the middle": "what-it-costs#reasoning-tokens",
    "i hit regenerate, is that charged twice": "what-it-costs#stopping-and-failed-answers",
    "it says budget_spent": "what-it-costs#budgets",
    "how do i see who spent the most": "what-it-costs#watching-what-is-spent",
    "visitors share one ip at our school": "keep-it-safe#limits-that-hold",
    "do i need redis": "keep-it-safe#limits-that-hold",
    "can i use it offline": "get-a-key#try-the-app-without-a-key",
    "how do i open it to the internet": "reference/deploying#on-a-server",
    "where's the database file": "reference/configuration#where-data-live",
    "does openai read my conversations": "use-it-well#what-openai-keeps",
    "bot said something false and a customer believed it": "use-it-well#answers-can-be-wrong",
    "can a teenager use it": "use-it-well#children-and-delicate-subjects",
    "can the ai's answer hack my page": "keep-it-safe#do-not-trust-the-answer",
    "what if openai changes its prices": "older-guides#prices-of-the-day",
    "my tutorial sets app.run(debug=True)": "keep-it-safe#no-debugger-for-others",
    "how do i test that alerts arrive": "if-it-leaks#prepare-and-practise",
    "what does flask doctor check": "reference/commands#all-commands",
    "make the ui spanish": "reference/make-it-yours#another-language",
    "show me the lab exercise with the rate limit": "lab/07-no-limits",
    "i solved it, where do i save my version": "lab#how-to-go-through-it",
    "how do i keep a copy of the chats before upgrading": "reference/upgrading#back-up-first",
    # Of a hundred and fifty that were put aside before the index was made to answer strangers, in many voices.
    "what do users see while the key is dead": "if-it-leaks#what-your-visitors-see",
    "who can read /proc/<pid>/environ": "keep-it-safe#storage",
    "my bill is too high what can i change": "what-it-costs#habits-that-keep-the-bill-small",
    "should I turn on two-factor authentication on my openai login": "get-a-key#make-an-account-and-a-project",
    "least privilege for the chat app's key": "get-a-key#permissions",
    "syntax of rate limits": "reference/configuration#how-limits-are-written",
    "does unused credit expire": "get-a-key#prepaid-credit-and-auto-reload",
    "why is part of my input cheaper on the bill": "what-it-costs#cached-input",
    "were do i savely store my api kee": "keep-it-safe#storage",
    "what should I name my key": "get-a-key#create-the-key",
    "exercise with the key in javascript": "lab/01-key-in-javascript",
    "redact secrets from logging output": "keep-it-safe#never-in-the-logs",
    "why is everyone so worried about a string of characters, what can someone do with it": "get-a-key#what-a-key-is",
    "what happens to the site when the colleague who created the key leaves the company": "get-a-key#service-accounts",
    "can pupils of 12 use it": "use-it-well#children-and-delicate-subjects",
    "erase my data": "use-it-well#deleting-and-taking-out",
    "read only vs restricted vs all, which one": "get-a-key#permissions",
    "ip whitelist for my key": "keep-it-safe#restrict-by-address-not-by-domain",
    "graceful shutdown, do running answers finish": "reference/deploying#stop-and-restart",
    "the bot told me something false": "use-it-well#answers-can-be-wrong",
    "privcy: does opneai read our chats": "use-it-well#what-openai-keeps",
    "what data do you save about me": "use-it-well#what-this-app-keeps",
    "Who is responsible, legally, for fraudulent usage on our key?": "if-it-leaks#who-pays",
    "import openai; openai.api_key = ... is this still the way": "older-guides#the-old-sdk",
    "is the limit on the OpenAI side instant or can it overshoot": "get-a-key#set-a-spend-limit",
    "stack overflow question contained my real key": "if-it-leaks#if-it-was-in-a-chat-or-screenshot",
    "allowed domains / http referrer setting for openai key": "older-guides#restrict-the-key-by-web-domain",
    "remove secret from git history": "if-it-leaks#if-it-was-in-git",
    "explain api key like I'm five": "get-a-key#what-a-key-is",
    "do new accounts get 5$ free": "older-guides#free-credit-covers-it",
    "a user writes that he wants to kill himself": "use-it-well#children-and-delicate-subjects",
    "How do I keep credentials out of my repository?": "keep-it-safe#never-in-git",
    "change logo and colours": "reference/make-it-yours#colours-type-and-icons",
    "is gpt-3.5-turbo still available": "older-guides#models-of-the-day",
    "the bot only quotes documentation at me, how come": "get-a-key#try-the-app-without-a-key",
    "kill the old key now": "if-it-leaks#revoke-the-key-first",
    "key found in the log file exercise": "lab/15-key-in-the-log",
    "env var or file, what's better": "keep-it-safe#storage",
    "how do keys end up in log files": "keep-it-safe#never-in-the-logs",
    "I run a school site and parents ask if it's suitable for their kids": "use-it-well#children-and-delicate-subjects",
    "emergency checklist compromised credential": "if-it-leaks#in-short",
    "gpt-4o end of life": "older-guides#models-of-the-day",
    "what happens when I press send": "reference/architecture#the-way-of-a-message",
    "where is the website restriction, google maps keys have that": "older-guides#restrict-the-key-by-web-domain",
    "200 students, ten questions a day, what would that cost us": "what-it-costs#a-worked-example",
    "error page leaks upstream message": "lab/04-key-in-the-error-page",
    "Our legal counsel asks who bears the liability for what the assistant outputs.": "use-it-well#who-answers-for-it",
    "will people be able to tell that my key has been cancelled": "if-it-leaks#what-your-visitors-see",
    "Just cloned it and got replies straight away without any key. Is someone else paying for this?": (
        "get-a-key#try-the-app-without-a-key"
    ),
    "gitignore .env": "keep-it-safe#never-in-git",
    "how can i downlaod my conversatons": "use-it-well#deleting-and-taking-out",
    "how do I update to a newer version": "reference/upgrading#in-short",
    "does openai train on what my visitors type": "use-it-well#what-openai-keeps",
    "who is liable if the bot gives harmful advice": "use-it-well#who-answers-for-it",
    "monitoring the key: what should I look at": "keep-it-safe#watch-it",
    "set api key on windows": "get-a-key#put-the-key-into-this-app",
    "is there a way to call openai with no key at all": "keep-it-safe#no-stored-key",
    "where is the right place to keep the secret on a linux server": "keep-it-safe#storage",
    "put a hard cap on the openai account": "get-a-key#set-a-spend-limit",
    "pre-commit hook that stops me from commiting keys": "keep-it-safe#never-in-git",
}
# Where a second section answers a question as well.
ALSO = {
    "what are the prices": "what-it-costs#calculator",
    "is gpt-3.5 still around": "what-it-costs#choosing-a-model",
    "who gets charged for the key": "if-it-leaks#who-pays",
    "I'm scared of a huge bill": "what-it-costs#habits-that-keep-the-bill-small",
    "setting up secrets on AWS": "keep-it-safe#secret-managers",
    "Can I restrict the key to my website's domain?": "older-guides#restrict-the-key-by-web-domain",
    "restrict key by website": "older-guides#restrict-the-key-by-web-domain",
    "can OpenAI show me my key a second time": "older-guides#look-the-key-up-later",
    "Is an environment variable secure enough?": "older-guides#environment-variables-are-safe",
    "what does budget_spent mean": "reference/http#problems",
    "what's the difference between flask pause and revoking": "if-it-leaks#revoke-the-key-first",
    "work through a price calculation with me": "what-it-costs#calculator",
    "does this work with other providers": "reference/make-it-yours#a-gateway-or-another-provider",
    "When does gpt-4o shut down?": "older-guides#models-of-the-day",
    "Why does a limit need a shared store?": "lab/08-limits-in-memory",
    "do forged addresses get around the limits": "lab/09-limits-by-forged-address",
    "is the Markdown of an answer sanitised": "lab/13-raw-html-from-the-model",
    "is gpt-4 still available": "what-it-costs#choosing-a-model",
    "what does it cost when the client chooses the model": "keep-it-safe#the-server-decides",
    "why do four workers let four times the limit through": "keep-it-safe#limits-that-hold",
    "how do I set MODEL_PRICES for an unknown model": "reference/configuration#all-settings",
    "How do I set an access code?": "reference/configuration#all-settings",
    "another front end on another origin, ALLOWED_ORIGINS": "reference/configuration#all-settings",
    "how often should I reconcile with an admin key": "if-it-leaks#see-what-was-spent",
    "flask lab check": "reference/commands#all-commands",
    "why shouldn't I use an environment variable": "older-guides#environment-variables-are-safe",
    "what happens if OPENAI_BASE_URL is wrong": "reference/configuration#all-settings",
    "git force push to remove a secret": "older-guides#delete-the-commit",
    "can I run two keys during the change": "keep-it-safe#rotation",
    "deploy to render with secrets": "keep-it-safe#secret-managers",
    "can a visitor read the system prompt": "lab/12-system-prompt-from-the-browser",
    "will I pay for an interrupted answer": "lab/11-abort-without-charge",
    "attack with forged addresses against limits": "reference/threats#the-money",
    "error page that shows the key": "keep-it-safe#never-in-the-logs",
    "does the app check questions with moderation": "use-it-well#moderation",
    "where is the data stored": "use-it-well#what-this-app-keeps",
    "how do I upgrade the database tables": "reference/upgrading#in-short",
    "is my IP address stored": "use-it-well#what-this-app-keeps",
    "what happens when a visitor deletes their data": "use-it-well#deleting-and-taking-out",
    "are backups deleted too": "use-it-well#deleting-and-taking-out",
    "does deleting the file and committing again remove the key": "older-guides#delete-the-commit",
    "somebody spent 800 dollars on my account overnight": "if-it-leaks#who-pays",
    "can openai tell me who used my key": "if-it-leaks#signs-of-a-leak",
    "whats a standby key for": "reference/configuration#keys",
    "can I restrict the key to mydomain.com": "older-guides#restrict-the-key-by-web-domain",
    "why is the key only displayed one time": "older-guides#look-the-key-up-later",
    "how many keys can one account have": "older-guides#one-key-per-account",
    "is .env safe": "older-guides#environment-variables-are-safe",
    "does the app log my key anywhere": "lab/15-key-in-the-log",
    "what if a user pastes their key in the chat box": "keep-it-safe#sharing-with-other-people",
    "how much does a message cost": "what-it-costs#in-short",
    "what's the most this thing can cost me per day": "what-it-costs#the-worst-case-of-one-answer",
    "how to stop one person from using up everything": "what-it-costs#budgets",
    "what's the difference between the limit at openai and the budget here": "get-a-key#set-a-spend-limit",
    "i get 429 all the time": "older-guides#retry-on-every-429",
    "can users pick gpt-6-sol themselves": "what-it-costs#choosing-a-model",
    "what about putting the key in a mobile app": "if-it-leaks#if-it-was-in-a-web-page-or-app",
    "fake X-Forwarded-For headers": "lab/09-limits-by-forged-address",
    "i run four workers and people get four times the limit": "older-guides#limits-in-memory",
    "xss from the model's answer": "lab/13-raw-html-from-the-model",
    "how do i put a password on the whole site": "keep-it-safe#visitor-limits",
    "how do i put it on heroku": "keep-it-safe#on-a-hosting-platform",
    "sqlite or postgres": "reference/deploying#what-it-needs",
    "i want to use my own react frontend": "reference/configuration#your-own-front-end",
    "how long does the lab take": "lab#how-to-go-through-it",
    "do i get in trouble if someone uses my key for bad stuff": "if-it-leaks#who-pays",
    "do hackers really scan github": "older-guides#delete-the-commit",
    "how much for 1000 questions a day": "what-it-costs#a-worked-example",
    "why was my answer cut off in the middle": "what-it-costs#budgets",
    "it says budget_spent": "reference/http#problems",
    "visitors share one ip at our school": "keep-it-safe#visitor-limits",
    "do i need redis": "reference/configuration#all-settings",
    "can i use it offline": "reference/make-it-yours#a-server-of-your-own-such-as-ollama",
    "how do i open it to the internet": "reference/deploying#on-a-platform",
    "bot said something false and a customer believed it": "use-it-well#who-answers-for-it",
    "can the ai's answer hack my page": "lab/13-raw-html-from-the-model",
    "what if openai changes its prices": "what-it-costs#choosing-a-model",
    "my tutorial sets app.run(debug=True)": "lab/05-debug-console",
    "how do i test that alerts arrive": "reference/commands#all-commands",
    "what does flask doctor check": "get-a-key#check-that-it-works",
    "show me the lab exercise with the rate limit": "lab/08-limits-in-memory",
    "who can read /proc/<pid>/environ": "older-guides#environment-variables-are-safe",
    "does unused credit expire": "older-guides#free-credit-covers-it",
    "redact secrets from logging output": "lab/15-key-in-the-log",
    "why is everyone so worried about a string of characters, what can someone do with it": "keep-it-safe#in-short",
    "erase my data": "reference/privacy#what-deleting-does",
    "graceful shutdown, do running answers finish": "reference/architecture#processes-and-their-end",
    "privcy: does opneai read our chats": "reference/privacy#what-deleting-does-not-do",
    "what data do you save about me": "reference/privacy#what-is-kept",
    "remove secret from git history": "lab/03-key-in-git-history",
    "a user writes that he wants to kill himself": "use-it-well#moderation",
    "how do keys end up in log files": "lab/15-key-in-the-log",
    "where is the website restriction, google maps keys have that": "keep-it-safe#restrict-by-address-not-by-domain",
    "200 students, ten questions a day, what would that cost us": "what-it-costs#calculator",
    "error page leaks upstream message": "keep-it-safe#never-in-the-logs",
    "how can i downlaod my conversatons": "reference/http#routes-of-the-api",
    "set api key on windows": "reference/deploying#what-it-needs",
}


# A fork may have taken these out.
GONE = tuple({"lab", "reference/desk"} - {page.slug for page in PAGES})
QUESTIONS = {want: texts for want, texts in QUESTIONS.items() if not want.startswith(GONE)}
UNSEEN = {text: want for text, want in UNSEEN.items() if not want.startswith(GONE)}
ALSO = {text: want for text, want in ALSO.items() if not want.startswith(GONE)}


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
    """The section that is told and those under "See also", or those that perhaps help, as page#anchor."""
    end = answer[max(answer.find("\nRead on: "), 0) :]
    return re.findall(r"\(/guide/([^)]+)\)", end)


@cache
def tell(question: str) -> str:
    """The answer to a question that stands alone, without its way by HTTP: there are hundreds of them."""
    found = INDEX.search(question)
    return answer(found) if found else guess(INDEX.search(question, LEAST))


def is_right(found: str, text: str, want: str) -> bool:
    wanted = (want, ALSO.get(text, want))
    return found in wanted or found.startswith(tuple(f"{each}#" for each in wanted if "#" not in each))


@pytest.mark.skipif(bool(GONE), reason="measured with the whole book")
@pytest.mark.parametrize("part", ["all", "unseen"])
def test_questions_find_their_section(part: str) -> None:
    unseen = list(UNSEEN.items())
    asked = unseen if part == "unseen" else unseen + [(text, want) for want in QUESTIONS for text in QUESTIONS[want]]
    answers = [(text, want, tell(text)) for text, want in asked]
    not_first = [(text, want, source(said)) for text, want, said in answers if not is_right(source(said), text, want)]
    not_offered = [
        (text, want) for text, want, said in answers if not any(is_right(found, text, want) for found in offered(said))
    ]
    assert len(asked) >= (300 if part == "unseen" else 550)
    assert len(not_first) <= 0.15 * len(asked), not_first
    assert len(not_offered) <= 0.05 * len(asked), not_offered


def test_every_section_of_the_guide_and_every_exercise_is_some_questions_answer() -> None:
    guide = {f"{s.page_slug}#{s.anchor}" for page in PAGES if page.shelf == book.GUIDE for s in page.sections}
    exercises = {page.slug for page in PAGES if page.shelf == book.LAB} - {"lab"}
    assert guide | exercises <= set(QUESTIONS)
    assert sum(want.startswith("reference/") for want in [*QUESTIONS, *UNSEEN.values()]) >= 25
    known = {f"{s.page_slug}#{s.anchor}" for page in PAGES for s in page.sections} | {page.slug for page in PAGES}
    assert {*QUESTIONS, *UNSEEN.values(), *ALSO.values()} <= known, "a section has another name now"


def test_no_section_is_asked_for_in_the_words_of_an_unseen_question() -> None:
    phrases = {
        " ".join(phrase.lower().split()) for page in PAGES for s in page.sections for phrase in s.asked.split(",")
    }
    assert set(map(str.lower, UNSEEN)) & phrases == set()


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("what is BUDGET_SITE_DAY", "**`BUDGET_SITE_DAY`**"),
        ("openai_trusted_hosts", "**`OPENAI_TRUSTED_HOSTS`**"),
        ("flask drill", "**`flask drill`**: rehearses a leak"),
        ("/healthz", "**`/healthz`**"),
        ("threat: a race on the budget", "- what stops it: "),
        ("what does 409 mean", "**`reply_running`**"),
        ("which route streams the answer", "**`/api/chat/<id>/stream`**"),
        ("what is the body of POST /api/chat", "`messageId`, "),
    ],
)
def test_of_a_long_table_the_row_that_was_asked_for_is_told(question: str, told: str) -> None:
    assert told in tell(question).split("Read on:")[0]
    assert len(tell(question).split()) < 150


def test_no_answer_pours_out_a_long_text() -> None:
    answers = [tell(text) for text in [*UNSEEN, *(text for texts in QUESTIONS.values() for text in texts)]]
    assert not [answer for answer in answers if len(answer.split("\n\nRead on:")[0].split()) > 190]


def test_what_the_guide_does_not_cover_is_mostly_not_known() -> None:
    answered = [question for question in UNKNOWN if source(tell(question))]
    assert len(answered) <= 0.08 * len(UNKNOWN), answered


def test_not_knowing_says_who_answers_what_can_be_asked_and_how_to_go_live(tutor: OpenAI) -> None:
    answer = ask(tutor, "What is the capital of France?")
    assert answer.startswith(UNKNOWN_OPENING)
    assert "built-in tutor" in answer
    assert "OPENAI_API_KEY_FILE" in answer
    for page in PAGES:
        assert page.shelf != book.GUIDE or f"(/guide/{page.slug})" in answer
    assert ("Lab: [The lab](/guide/lab)" in answer) == ("lab" not in GONE)
    assert "Reference: [" in answer


def test_what_may_be_near_a_question_is_offered_but_not_told(tutor: OpenAI) -> None:
    said = ask(tutor, "kubernetes liveness probe")
    assert said.startswith(f"{UNKNOWN_OPENING} Perhaps one of these helps: [Deploying: Health checks](")
    assert not source(said)
    assert "built-in tutor" in said


@pytest.mark.parametrize(
    ("question", "want"),
    [
        ("forgott to copy my kee", "get-a-key#create-the-key"),  # a letter too many
        ("limt the number of mesages per persn", "keep-it-safe#visitor-limits"),  # too few
        ("which permisisons does the key need", "get-a-key#permissions"),  # two have changed places
        ("organisetion or project", "get-a-key#make-an-account-and-a-project"),  # a wrong one
        ("serviceaccount", "get-a-key#service-accounts"),  # no space
    ],
)
def test_a_slip_in_a_word_does_not_hide_it(question: str, want: str) -> None:
    assert source(tell(question)) == want


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
    known |= {f"/guide/pictures/{path.name}" for path in (ROOT / "docs" / "pictures").iterdir()}
    for text in [ask(tutor, "Hello"), ask(tutor, "What is love?"), *(tell(texts[0]) for texts in QUESTIONS.values())]:
        links = re.findall(r"\]\((/[^)]*)\)", text)
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
        ("MAX_OUTPUT_TOKENS", "reference/configuration#all-settings"),
    ],
)
def test_manners_and_single_words_do_not_hide_a_question(tutor: OpenAI, question: str, want: str) -> None:
    assert want in offered(ask(tutor, question))


def test_a_very_short_question_is_read_with_the_one_before_it(tutor: OpenAI) -> None:
    question = "How often should I rotate keys?"
    for follow_up in ("and for us?", "why?"):
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


def test_a_huge_question_costs_next_to_nothing(tutor: OpenAI) -> None:
    began = time.process_time()
    ask(tutor, "hello key " * 200_000)
    ask(tutor, "a" * 2_000_000)
    assert time.process_time() - began < 3


def test_words_come_at_the_pace_that_was_set() -> None:
    with connect(words_per_second=100) as client:
        began = time.perf_counter()
        events = list(client.responses.create(model="any", input=user("thanks"), stream=True))
        took = time.perf_counter() - began
    words = sum(event.type == "response.output_text.delta" for event in events)
    assert words > 50 and took >= words / 100


def test_a_cut_call_ends_at_the_next_word() -> None:
    client = Client("http://tutor.invalid/v1", "responses", Ring(), TutorTransport(PAGES, words_per_second=50))
    cut, batches = Cut(), []
    reply = client.open(Call("any", "none", [("user", "What is a token?")], 2048, "none", "none"), cut)
    with closing(reply):
        for batch in reply:
            batches.append(batch)
            if batch.text:
                cut.pull()
    assert len("".join(batch.text for batch in batches).split()) in (1, 2)
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


@pytest.mark.alone
def test_the_index_is_built_and_searched_in_no_time() -> None:
    def took_ms(times: int, work: Callable[[], object]) -> float:
        began = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - began) * 1000 / times

    told = passages(PAGES)
    assert min(took_ms(1, lambda: Index(told)) for _ in range(4)) < INDEX_MS
    assert (
        min(took_ms(10, lambda: INDEX.search("how do I keep the key safe on my server?")) for _ in range(3)) < SEARCH_MS
    )


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
