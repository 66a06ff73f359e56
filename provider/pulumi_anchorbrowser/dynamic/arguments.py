"""The argument classes of `configuration`: each is a typed dictionary, so `TimeoutArgs(max_duration=20)` and
`{"max_duration": 20}` are the same value, and a type checker knows the names and types of both.

The names are the API's own. What each may hold is checked again, with everything else, before anything is called.
"""

from __future__ import annotations

from typing import Any, Literal

from pulumi import Input
from typing_extensions import Required, TypedDict


class SwitchArgs(TypedDict, total=False):
    """A feature that is on or off."""

    active: Required[Input[bool]]


class ProfileArgs(TypedDict, total=False):
    """A browser profile to start from; `persist` saves it when the session ends."""

    name: Input[str]
    persist: Input[bool]


class ViewportArgs(TypedDict, total=False):
    """The size of the page, in pixels."""

    width: Input[int]
    height: Input[int]


class TracingArgs(TypedDict, total=False):
    """Traces of what the browser did, with snapshots and sources if asked."""

    active: Input[bool]
    snapshots: Input[bool]
    sources: Input[bool]


class MaskPatternArgs(TypedDict, total=False):
    """A regular expression of text to hide, and what to show in its place."""

    regex: Input[str]
    mask: Input[str]


class SensitiveDataMaskArgs(TypedDict, total=False):
    """What is hidden in pages: by CSS selector, by selector for a site, or by pattern."""

    active: Input[bool]
    custom_selectors: Input[list[Input[str]]]
    site_selectors: Input[dict[str, Input[list[Input[str]]]]]
    custom_patterns: Input[list[Input[MaskPatternArgs]]]


class BrowserArgs(TypedDict, total=False):
    """The browser of every session. `captcha_solver` needs an active proxy, `extra_stealth` AnchorBrowser's own."""

    profile: Input[ProfileArgs]
    adblock: Input[SwitchArgs]
    popup_blocker: Input[SwitchArgs]
    captcha_solver: Input[SwitchArgs]
    headless: Input[SwitchArgs]
    viewport: Input[ViewportArgs]
    fullscreen: Input[SwitchArgs]
    pdf_viewer: Input[SwitchArgs]
    p2p_download: Input[SwitchArgs]
    extensions: Input[list[Input[str]]]
    disable_web_security: Input[SwitchArgs]
    extra_stealth: Input[SwitchArgs]
    force_popups_as_tabs: Input[SwitchArgs]
    web_bot_auth: Input[SwitchArgs]
    disable_dialogs: Input[SwitchArgs]
    tracing: Input[TracingArgs]
    sensitive_data_mask: Input[SensitiveDataMaskArgs]


class ProxyArgs(TypedDict, total=False):
    """AnchorBrowser's proxy, in a country (two small letters), region and city; or, with `type` "custom", your own.

    The password is kept secret even if it is given plain.
    """

    active: Required[Input[bool]]
    type: Input[Literal["anchor_proxy", "custom"]]
    country_code: Input[str]
    region: Input[str]
    city: Input[str]
    server: Input[str]
    username: Input[str]
    password: Input[str]


class TimeoutArgs(TypedDict, total=False):
    """How long a session lives, in minutes; -1 for no limit. The API's defaults are 20 and 5."""

    max_duration: Input[int]
    idle_timeout: Input[int]


class LiveViewArgs(TypedDict, total=False):
    """How a session can be watched."""

    read_only: Input[bool]
    one_time_url: Input[bool]


class SessionArgs(TypedDict, total=False):
    """The session around every browser. A tag has no comma."""

    initial_url: Input[str]
    tags: Input[list[Input[str]]]
    recording: Input[SwitchArgs]
    proxy: Input[ProxyArgs]
    timeout: Input[TimeoutArgs]
    live_view: Input[LiveViewArgs]


class IntegrationArgs(TypedDict, total=False):
    """An integration to load, made beforehand."""

    id: Required[Input[str]]
    type: Required[Input[str]]
    configuration: Required[Input[dict[str, Any]]]


class IdentityArgs(TypedDict, total=False):
    """A prepared identity to log in with."""

    id: Input[str]


class SessionConfigurationArgs(TypedDict, total=False):
    """What every session of a batch is configured with."""

    session: Input[SessionArgs]
    browser: Input[BrowserArgs]
    integrations: Input[list[Input[IntegrationArgs]]]
    identities: Input[list[Input[IdentityArgs]]]
