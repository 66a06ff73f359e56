"""What a batch's sessions are configured with: the documented properties, under the API's own names, and limits."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NO_LIMIT = -1
_MINUTES_IN_A_DAY = 24 * 60


def _matching(pattern: str, reason: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.search(pattern, value):
            raise ValueError(reason)
        return value

    return AfterValidator(check)


def _check_minutes(value: int) -> int:
    if value != NO_LIMIT and not 1 <= value <= _MINUTES_IN_A_DAY:
        raise ValueError(f"must be 1 to {_MINUTES_IN_A_DAY} minutes, or {NO_LIMIT} for no limit")
    return value


def _check_tag(value: str) -> str:
    if not value or "," in value:
        raise ValueError("a tag must not be empty or contain a comma")
    return value


def _check_no_login(value: str) -> str:
    # A password there would stand in the state in clear. It is never shown: the reason is printed.
    if "@" in value:
        raise ValueError(
            "must be scheme://host:port without a user name or password: give username and password beside server"
        )
    return value


Url = Annotated[
    str, _matching("^(https?|about|data|chrome):", "must begin with https:, http:, about:, data: or chrome:")
]
Country = Annotated[str, _matching("^[a-z]{2}\\Z", "must be two small letters, such as 'de'")]
ProxyServer = Annotated[
    str, AfterValidator(_check_no_login), _matching(r"^[a-z0-9]+://[^/\s]+\Z", "must be scheme://host:port")
]
Minutes = Annotated[int, AfterValidator(_check_minutes)]
Tag = Annotated[str, AfterValidator(_check_tag)]


class _Properties(BaseModel):
    # Strict, because the values are sent as they were given; an unknown name is a misspelt one.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Switch(_Properties):
    """A feature that is on or off."""

    active: bool | None = None


class Profile(_Properties):
    """A browser profile to start from."""

    name: str | None = None
    persist: bool | None = None


class Viewport(_Properties):
    """The size of the page, in pixels."""

    width: Annotated[int, Field(gt=0)] | None = None
    height: Annotated[int, Field(gt=0)] | None = None


class Tracing(Switch):
    """Traces of what the browser did."""

    snapshots: bool | None = None
    sources: bool | None = None


class MaskPattern(_Properties):
    """A pattern of text to hide."""

    regex: str | None = None
    mask: str | None = None


class SensitiveDataMask(Switch):
    """What is hidden in pages."""

    custom_selectors: list[str] | None = None
    site_selectors: dict[str, list[str]] | None = None
    custom_patterns: list[MaskPattern] | None = None


class Browser(_Properties):
    """The browser of every session."""

    profile: Profile | None = None
    adblock: Switch | None = None
    popup_blocker: Switch | None = None
    captcha_solver: Switch | None = None
    headless: Switch | None = None
    viewport: Viewport | None = None
    fullscreen: Switch | None = None
    pdf_viewer: Switch | None = None
    p2p_download: Switch | None = None
    extensions: list[str] | None = None
    disable_web_security: Switch | None = None
    extra_stealth: Switch | None = None
    force_popups_as_tabs: Switch | None = None
    web_bot_auth: Switch | None = None
    disable_dialogs: Switch | None = None
    tracing: Tracing | None = None
    sensitive_data_mask: SensitiveDataMask | None = None


class Proxy(_Properties):
    """AnchorBrowser's proxy, or one of your own (`type` "custom")."""

    active: bool
    type: Literal["anchor_proxy", "custom"] | None = None
    country_code: Country | None = None
    region: str | None = None
    city: str | None = None
    server: ProxyServer | None = None
    username: str | None = None
    password: str | None = Field(default=None, repr=False)


class Timeout(_Properties):
    """How long a session lives, in minutes."""

    max_duration: Minutes | None = None
    idle_timeout: Minutes | None = None


class LiveView(_Properties):
    """How a session can be watched."""

    read_only: bool | None = None
    one_time_url: bool | None = None


class Session(_Properties):
    """The session around every browser."""

    initial_url: Url | None = None
    tags: list[Tag] | None = None
    recording: Switch | None = None
    proxy: Proxy | None = None
    timeout: Timeout | None = None
    live_view: LiveView | None = None
    x402: bool | None = None


class Integration(_Properties):
    """An integration to load, such as a password manager."""

    id: str
    type: str
    configuration: dict[str, Any]


class Identity(_Properties):
    """A prepared identity to log in with."""

    id: str | None = None


class SessionConfiguration(_Properties):
    """`configuration` of POST /v1/batch-sessions: applies to every session of the batch."""

    session: Session | None = None
    browser: Browser | None = None
    integrations: list[Integration] | None = None
    identities: list[Identity] | None = None


def secrets_in(configuration: Any) -> list[str]:
    """Return every secret in a configuration as it is sent: passwords, however deep, and all values of integrations."""
    if isinstance(configuration, dict):
        found = [secrets_in(item) for name, item in configuration.items() if name not in {"password", "configuration"}]
        own = [_texts_in(configuration.get(name)) for name in ("password", "configuration")]
        return [secret for part in (*own, *found) for secret in part]
    if isinstance(configuration, list):
        return [found for item in configuration for found in secrets_in(item)]
    return []


def _texts_in(value: Any) -> list[str]:
    if isinstance(value, (dict, list)):
        items = value.values() if isinstance(value, dict) else value
        return [found for item in items for found in _texts_in(item)]
    return [value] if isinstance(value, str) and value else []
