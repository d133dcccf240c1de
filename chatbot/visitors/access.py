"""The access code: who gives it gets a pass for thirty days; wrong guesses are limited, for a network and in all."""

from __future__ import annotations

import hmac
import time

from flask import Request
from limits import RateLimitItemPerHour
from werkzeug.wrappers import Response

from chatbot.config import Settings
from chatbot.errors import AccessRequired
from chatbot.signing import Signer
from chatbot.visitors.limits import Limits
from chatbot.visitors.who import cookie_flags

COOKIE = "access"
PASS_S = 30 * 24 * 3600
GUESSES_NETWORK, GUESSES_SITE = RateLimitItemPerHour(10), RateLimitItemPerHour(1000)
WRONG = "That is not the access code. Please check it and try again."


class Access:
    """Who may enter. `is_open`: there is no code, so everybody may."""

    def __init__(self, settings: Settings, signer: Signer, limits: Limits) -> None:
        self._code = settings.access_code.get_secret_value() if settings.access_code else ""
        self._signer = signer
        self._limits = limits
        self.is_open = not self._code

    def admits(self, request: Request) -> bool:
        """Does the request carry a pass of this code that has not expired?"""
        if self.is_open:
            return True
        ends_at, _, signature = request.cookies.get(COOKIE, "").partition(".")
        return hmac.compare_digest(signature.encode(), self._signature(ends_at).encode()) and int(ends_at) > time.time()

    def enter(self, given: str, network: str) -> None:
        """Returns when this is the code; raises AccessRequired when it is not.

        Raises LimitReached, whatever was given, once there were too many wrong guesses; right ones do not count.
        """
        asked = [("guesses_network", GUESSES_NETWORK, network), ("guesses_site", GUESSES_SITE, "all")]
        with self._limits.together():  # a guess counts before it is looked at, so that many at once are no way around
            self._limits.count(asked)
            is_right = self._is_code(given)
            if is_right:
                self._limits.take_back(asked)
        if not is_right:
            self._limits.tally("wrong access code")
            raise AccessRequired(WRONG, cause="a wrong access code")

    def hand_over(self, response: Response, *, secure: bool, cross_site: bool) -> None:
        """Put a pass into a cookie."""
        response.set_cookie(COOKIE, self.issue(), PASS_S, **cookie_flags(secure=secure, cross_site=cross_site))

    def issue(self) -> str:
        """A pass, as the cookie holds it."""
        ends_at = str(int(time.time()) + PASS_S)
        return f"{ends_at}.{self._signature(ends_at)}"

    def _is_code(self, given: str) -> bool:
        """In a time that tells nothing; spaces that were pasted along do no harm."""
        code, *tried = (self._signer.digest("access code", each) for each in (self._code, given, given.strip()))
        return any(hmac.compare_digest(code, each) for each in tried)

    def _signature(self, ends_at: str) -> str:
        return self._signer.digest("access pass", f"{ends_at} {self._code}")
