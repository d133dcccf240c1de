"""Workload identity: exchanges a platform's token for a short-lived one (RFC 8693), as OpenAI's token endpoint does."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
PATH = "/oauth/token"


@dataclass
class Identity:
    """What the provider accepts. `subject`: the platform's token that is valid now; `lasts_s`: the new one's life."""

    provider_id: str = "idp_fake"
    account_id: str = "svcacct_fake"
    subject: str = field(default_factory=lambda: _token("platform"))
    lasts_s: float = 3600
    tokens: list[str] = field(default_factory=list)

    def exchange(self, raw: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer to a request for a token."""
        asked = json.loads(raw or b"{}")
        if asked.get("grant_type") != GRANT:
            return 400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type."}
        names = ("subject_token", "identity_provider_id", "service_account_id")
        if [asked.get(name) for name in names] != [self.subject, self.provider_id, self.account_id]:
            return 401, {"error": "invalid_grant", "error_description": f"Not accepted: {asked.get('subject_token')}"}
        self.tokens.append(_token("openai"))
        return 200, {"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": self.lasts_s}


def _token(issuer: str) -> str:
    """Looks like a JSON web token."""
    head, body, signature = (secrets.token_urlsafe(size) for size in (24, 90, 32))
    return f"eyJ{head}.eyJ{issuer}{body}.{signature}"
