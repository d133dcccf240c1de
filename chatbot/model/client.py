"""The only importer of openai: opens a streamed reply and turns every failure into a problem of ours."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, cast

import httpx2
import openai
from openai.auth import WorkloadIdentity, k8s_service_account_token_provider

from chatbot.errors import Problem
from chatbot.key.credential import Credential, Identity, using
from chatbot.key.ring import Ring
from chatbot.key.watch import watch
from chatbot.model.body import Form, Way
from chatbot.model.cut import Cut, cutting
from chatbot.model.events import Call
from chatbot.model.faults import Refused, problem_of_class, problem_of_status
from chatbot.model.members import code_of
from chatbot.model.moderation import ANSWER_S, MODEL, look_first, verdict
from chatbot.model.reply import Reply
from chatbot.model.stream import ChatDecoder, ResponsesDecoder
from chatbot.model.transport import Urllib3Transport

CONNECT_S = 10
SILENCE_S = 100  # longest wait for the next byte: a first token may take over a minute
WARM_UP_S, LISTING_S = 3, 15
NOT_OURS = dict.fromkeys(("OpenAI-Organization", "OpenAI-Project"), openai.Omit())  # an empty one is a wrong one

log = logging.getLogger("chatbot.model")


class Client:
    """Calls one OpenAI-compatible server through the SDK, by the Responses API or Chat Completions.

    The SDK never holds a key: the transport puts it on as the bytes leave. `plain`: the server is not OpenAI's own.
    """

    def __init__(
        self,
        base_url: str,
        api: str,
        ring: Ring,
        transport: httpx2.BaseTransport,
        *,
        plain: bool = False,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.ring, self._transport = ring, transport
        self.form = Form(api, plain=plain)
        self.moderates_inline = not plain  # another server might take the parameter and not heed it
        self._common: dict[str, Any] = {
            "base_url": base_url,
            "admin_api_key": "",  # or the environment's would be taken
            "max_retries": 0,
            "timeout": httpx2.Timeout(silence_s, connect=CONNECT_S),
            "default_headers": {"Accept-Encoding": "identity", **NOT_OURS},
            "http_client": httpx2.Client(transport=transport, follow_redirects=False, trust_env=False),
        }
        self._by_key = openai.OpenAI(api_key="put-on-by-the-transport", **self._common)
        self._by_identity: openai.OpenAI | None = None
        # Another server gives tokens at an address of its own: nothing of the identity goes to OpenAI then.
        self._exchange = f"{base_url.removesuffix('/v1')}/oauth/token" if plain else None

    def warm_up(self) -> None:
        """Open a connection ahead of the first call; a server that is not there yet is no error."""
        if isinstance(self._transport, Urllib3Transport):
            self._transport.warm_up(WARM_UP_S)

    def models(self, credential: Credential) -> dict[str, str | None]:
        """The models that this key may use, each with its shutdown date, by a call that is free. Raises Problem."""
        with _asking(credential):
            listed = self._sdk(credential).models.list(timeout=LISTING_S).data
            return {model.id: model.shutdown_date for model in listed}

    def costs(self, admin: Credential, **asked: Any) -> Any:
        """A page of the organization's own cost report, as it came, whatever it is. Raises Problem."""
        with _asking(admin):
            return self._by_key.admin.organization.usage.with_raw_response.costs(**asked).http_response.json()

    def moderate(self, text: str, credential: Credential | None) -> bool:
        """Whether the moderation endpoint flags a text, by a call that is free. Raises Problem."""
        with _asking(credential):
            return verdict(self._sdk(credential).moderations.create(model=MODEL, input=text, timeout=ANSWER_S))

    def probe(self) -> None:
        """Where every key was refused, ask whether one works again: a call that is free, for nobody else would."""
        for credential in self.ring.credentials if self.ring.is_spent else []:
            asked_at = time.monotonic()
            with suppress(Problem):
                self.models(credential)
                self.ring.accept(credential, asked_at)

    def open(self, call: Call, cut: Cut, credential: Credential | None = None) -> Reply:
        """Start a reply; `cut` can end it from any thread. Raises Problem, before any byte of the reply.

        The question is moderated as `call` says: by the server itself where that is OpenAI's and takes the parameter,
        otherwise by the moderation endpoint, before anything else is sent.
        """
        began = way = self.form.way
        flagged = False
        while True:
            if call.moderation != "off" and not self.moderates_inline:
                call, flagged = look_first(call, cut, partial(self.moderate, credential=credential))
            try:
                with using(credential), cutting(cut):
                    reply = self._open(call, cut, way, self._sdk(credential), flagged)
            except Refused:
                if call.moderation != "off":
                    self.moderates_inline = False
                elif (less := self.form.less(way)) is not None:
                    way = less
                else:
                    raise
                log.info("the server refused the request's form: trying parameters of level %d", way[0])
            else:
                self.form.learn(began, way)
                return reply

    def _sdk(self, credential: Credential | None) -> openai.OpenAI:
        """The SDK that lets the transport put a key on, or the one that exchanges an identity's tokens."""
        if not isinstance(credential, Identity):
            return self._by_key
        if self._by_identity is None:
            identity = WorkloadIdentity(
                identity_provider_id=credential.provider_id,
                service_account_id=credential.service_account_id,
                provider={"token_type": "jwt", "get_token": lambda: _subject_token(credential)},
            )
            made = openai.OpenAI(workload_identity=identity, **self._common)
            exchange = cast(Any, made)._workload_identity_auth
            exchange.token_exchange_url = self._exchange or exchange.token_exchange_url
            exchange.get_token = _or_no_token(exchange.get_token)
            self._by_identity = made
        return self._by_identity

    def _open(self, call: Call, cut: Cut, way: Way, sdk: openai.OpenAI, flagged: bool) -> Reply:
        # By `extra_body`: as arguments the turns would pass the SDK's type conversion, a millisecond of CPU.
        asked: dict[str, Any] = {"model": call.model, "stream": True, "extra_body": self.form.body(call, way)}
        try:
            if self.form.is_chat:
                sent = sdk.chat.completions.with_streaming_response.create(messages=[], **asked)
                return Reply(sent, ChatDecoder(), cut, flagged)
            return Reply(sdk.responses.with_streaming_response.create(**asked), ResponsesDecoder(), cut, flagged)
        except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
            raise _problem(error) from None


@contextmanager
def _asking(credential: Credential | None) -> Iterator[None]:
    """Inside, small calls are made with this credential, and whatever fails is raised as a Problem."""
    try:
        with using(credential):
            yield
    except (openai.OpenAIError, httpx2.HTTPError, ValueError, AttributeError, TypeError) as error:
        raise _problem(error) from None


class NoToken(openai.OpenAIError):
    """The exchange failed in another way than by a refusal: no connection, an error of theirs, a token that is dead."""


def _or_no_token(get_token: Callable[[], str]) -> Callable[[], str]:
    def get() -> str:
        try:
            return get_token()
        except Exception as error:
            if type(error).__name__ in ("OAuthError", "SubjectTokenProviderError"):  # told apart by faults.CLASSES
                raise
            raise NoToken(type(error).__name__) from None

    return get


def _subject_token(identity: Identity) -> str:
    """The platform's token as it is now; it leaves no trace either."""
    token = k8s_service_account_token_provider(identity.token_file)["get_token"]()
    watch.add(token, passing=True)
    return token


def _problem(error: Exception) -> Problem:
    if not isinstance(error, openai.APIStatusError) or isinstance(error, openai.OAuthError):
        return problem_of_class(error)
    code, kind = code_of({"error": error.body})
    headers = error.response.headers
    return problem_of_status(error.status_code, code, kind, headers, headers.get("x-request-id", ""))
