"""What can be set: each field is a variable of the same name in capitals, with its default, bounds and meaning."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from chatbot.notation import (
    Address,
    DatabaseAddress,
    Dollars,
    Limit,
    Names,
    Origins,
    Percents,
    Prices,
    Questions,
    SiteName,
    StoreAddress,
)

OPENAI_URL = "https://api.openai.com/v1"


class Fields(BaseModel):
    """All settings as plain data; `.env.example` and docs/configuration.md follow it."""

    openai_api_key: SecretStr | None = Field(None, description="the key; without one the tutor answers")
    openai_api_key_file: Path | None = Field(None, description="a file that holds the key")
    openai_api_key_standby: SecretStr | None = Field(None, description="the next key, for rotation and failover")
    openai_api_key_standby_file: Path | None = Field(None, description="a file that holds it")
    openai_identity_provider_id: str | None = Field(
        None, description="workload identity instead of a stored key: the provider's id", examples=["idp_..."]
    )
    openai_service_account_id: str | None = Field(None, description="the service account to act as")
    openai_identity_token_file: Path | None = Field(
        None, description="the platform's token, to be exchanged for OpenAI's", examples=["/var/run/secrets/token"]
    )
    key_max_age_days: int = Field(90, ge=1, description="days after which a reminder to rotate the key comes")
    openai_base_url: Address = Field(
        OPENAI_URL, description="another OpenAI-compatible server", examples=["http://127.0.0.1:11434/v1"]
    )
    openai_trusted_hosts: Names = Field([], description="hosts beside OpenAI's that may get an OpenAI key")
    openai_api: Literal["responses", "chat_completions"] = Field("responses", description="the API to call")
    openai_model: str = Field("gpt-6-luna", description="the default model")
    openai_models: Names = Field([], description="models a visitor may choose from")
    system_prompt: str = Field(
        "You are a helpful assistant. Answer in the language of the question, in Markdown.",
        description="what the model is told first; visitors neither see nor change it",
    )
    title_model: str | None = Field(
        None, description="a model that names chats; without one their first words do", examples=["gpt-6-luna"]
    )
    site_name: SiteName = Field(
        "Turnkey Chat",
        description="what the app is called in pages, tabs, alerts and on home screens, up to 40 characters",
        examples=["Ask the Library"],
    )
    suggested_questions: Questions = Field(
        [
            "Explain how vaccines work in simple words",
            "Help me write a friendly reminder",
            "Plan a week of quick dinners",
            "Give me ideas for a birthday party",
        ],
        description="first questions that an empty chat offers, up to 6, separated by bars; a bar alone offers none",
        examples=["What can you do?|Plan a week of quick dinners"],
    )
    max_output_tokens: int = Field(2048, ge=16, description="longest answer, reasoning included")
    max_message_chars: int = Field(8000, ge=1, description="longest message of a visitor")
    max_context_tokens: int = Field(16000, ge=1, description="how much of a chat is sent, estimated")
    budget_site_day: Dollars = Field(Decimal("5.00"), description="US dollars that all may spend in a day (UTC)")
    budget_site_month: Dollars = Field(Decimal("50.00"), description="the same for a month")
    budget_visitor_day: Dollars = Field(Decimal("0.50"), description="US dollars that one visitor may spend in a day")
    model_prices: Prices = Field(
        {},
        description="prices that are not known, or other ones: model=input/cached/output in $ per million tokens",
        examples=["gpt-6.2-luna=0.10/0.01/0.50"],
    )
    moderation: Literal["off", "score", "block"] = Field(
        "off", description="look at questions by OpenAI's moderation: not, to count, or to refuse"
    )
    limit_visitor: Limit = Field("8/minute;100/day", description="messages per visitor")
    limit_network: Limit = Field("30/minute;400/day", description="messages per IPv4 address or IPv6 /64")
    limit_site: Limit = Field("5000/day", description="messages of all visitors together")
    limit_new_visitors: Limit = Field("30/hour", description="new visitors per network")
    limit_tokens_visitor: Limit = Field("200000/day", description="tokens, in and out, per visitor")
    max_concurrent_replies: int = Field(2, ge=1, description="answers that a visitor may have under way at once")
    ratelimit_storage_uri: StoreAddress | None = Field(
        None, description="where limits are counted, if not in the database", examples=["redis://localhost:6379"]
    )
    database_url: DatabaseAddress = Field("sqlite:///instance/chat.db", description="where chats and counters live")
    chat_retention_days: int = Field(
        0, ge=0, le=36_500, description="days after which a chat that nobody went on with is deleted; 0 keeps all"
    )
    secret_key: SecretStr | None = Field(
        None, min_length=8, description="signs cookies", examples=["<32 random characters>"]
    )
    secret_key_file: Path | None = Field(None, description="a file that holds it")
    access_code: SecretStr | None = Field(
        None, min_length=4, description="a pass-phrase that visitors must give to enter", examples=["<some words>"]
    )
    admin_password: SecretStr | None = Field(
        None, min_length=10, description="opens the operator's desk at /admin", examples=["<10 characters or more>"]
    )
    alert_urls: SecretStr | None = Field(
        None, description="where alerts go, as Apprise addresses", examples=["mailto://user:password@example.org"]
    )
    alert_at: Percents = Field(
        [50, 80, 100], description="percents of a budget at which an alert goes out", examples=["50,80,100"]
    )
    trusted_proxies: int = Field(0, ge=0, le=10, description="proxies in front whose X-Forwarded-* count")
    allowed_origins: Origins = Field([], description="other front ends", examples=["https://chat.example.org"])
    log_format: Literal["text", "json"] = Field("text", description="how log lines are written")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    web_concurrency: int = Field(1, ge=1, le=64, description="worker processes")
