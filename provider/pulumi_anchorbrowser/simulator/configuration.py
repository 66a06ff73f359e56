"""The `configuration` of a batch: what the sessions of a batch are started with."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from pulumi_anchorbrowser.simulator.browser import BrowserConfig, Toggle
from pulumi_anchorbrowser.simulator.countries import CountryCode
from pulumi_anchorbrowser.simulator.wire import Sent, Uri, Uuid

DEFAULT_MAX_DURATION = 20
DEFAULT_IDLE_TIMEOUT = 5
NO_LIMIT = -1


class AnchorProxy(Sent):
    active: bool
    type: Literal["anchor_proxy"] | None = None
    country_code: CountryCode | None = Field(default=None, json_schema_extra={"default": "us"})
    region: str | None = None
    city: str | None = None


class CustomProxy(Sent):
    type: Literal["custom"]
    server: str
    username: str
    password: str
    active: bool


class Timeout(Sent):
    """Minutes; -1 means without end."""

    max_duration: int | None = None
    idle_timeout: int | None = None


class LiveView(Sent):
    read_only: bool | None = None
    one_time_url: bool | None = None


class SessionConfig(Sent):
    initial_url: Uri | None = None
    tags: list[str] | None = None
    recording: Toggle | None = None
    proxy: AnchorProxy | CustomProxy | None = None
    timeout: Timeout | None = None
    live_view: LiveView | None = None


class AllSecrets(Sent):
    load_mode: Literal["all"]


class SpecificSecrets(Sent):
    load_mode: Literal["specific"]
    secrets: Annotated[list[str], Field(min_length=1)]


class Integration(Sent):
    id: Uuid
    type: Literal["1PASSWORD"]
    configuration: AllSecrets | SpecificSecrets


class Identity(Sent):
    id: str | None = None


class Configuration(Sent):
    session: SessionConfig | None = None
    browser: BrowserConfig | None = None
    integrations: list[Integration] | None = None
    identities: list[Identity] | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple((self.session and self.session.tags) or ())

    @property
    def has_active_proxy(self) -> bool:
        return bool(self.session and self.session.proxy and self.session.proxy.active)

    @property
    def solves_captchas(self) -> bool:
        return bool(self.browser and self.browser.captcha_solver and self.browser.captcha_solver.active)

    @property
    def lifetime_minutes(self) -> int | None:
        """How long a session lives that nobody connects to: the shorter of its two limits."""
        told = (self.session and self.session.timeout) or Timeout()
        longest = DEFAULT_MAX_DURATION if told.max_duration is None else told.max_duration
        idle = DEFAULT_IDLE_TIMEOUT if told.idle_timeout is None else told.idle_timeout
        limits = [limit for limit in (longest, idle) if limit != NO_LIMIT]
        return min(limits) if limits else None

    def sent(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class BatchRequest(Sent):
    count: Annotated[int, Field(ge=1, le=1000)]
    configuration: Configuration | None = None
    metadata: dict[str, Any] | None = None


class BatchUpdate(Sent):
    status: Literal["cancelled"]


class RetryRequest(Sent):
    retry_failed_only: bool = True
    max_retries: Annotated[int, Field(ge=1, le=3)] = 1
