"""The argument classes of `configuration`, and the class of a session that a wait recorded.

Each is a typed dictionary, so `TimeoutArgs(max_duration=20)` and `{"max_duration": 20}` are the same value, and a type
checker knows the names and types of both. The names are the API's own. The values are checked again, with everything
else, before any call.
"""

from __future__ import annotations

from typing import Any, Literal

from pulumi import Input
from typing_extensions import Required, TypedDict

from pulumi_anchorbrowser.choices import LiveStatus, What


class SwitchArgs(TypedDict, total=False):
    """A feature that is on or off."""

    active: Input[bool]
    """Whether the feature is on."""


class ProfileArgs(TypedDict, total=False):
    """A browser profile to start from; `persist` saves it when the session ends."""

    name: Input[str]
    """The name of the profile."""
    persist: Input[bool]
    """Whether the profile is saved when the session ends. The API's default: false."""


class ViewportArgs(TypedDict, total=False):
    """The size of the page, in pixels."""

    width: Input[int]
    """The API's default: 1440."""
    height: Input[int]
    """The API's default: 900."""


class TracingArgs(TypedDict, total=False):
    """Traces of what the browser did, with snapshots and sources if asked."""

    active: Input[bool]
    """Whether traces are kept. The API's default: true."""
    snapshots: Input[bool]
    """With snapshots of the page. The API's default: false."""
    sources: Input[bool]
    """With the page's sources. The API's default: true."""


class MaskPatternArgs(TypedDict, total=False):
    """A regular expression of text to hide, and what to show in its place."""

    regex: Input[str]
    """What to hide."""
    mask: Input[str]
    """What to show in its place. The API's default: `****`."""


class SensitiveDataMaskArgs(TypedDict, total=False):
    """What is hidden in pages: by CSS selector, by selector for a site, or by pattern."""

    active: Input[bool]
    """Whether anything is hidden. The API's default: false."""
    custom_selectors: Input[list[Input[str]]]
    """CSS selectors of what is hidden on every site."""
    site_selectors: Input[dict[str, Input[list[Input[str]]]]]
    """CSS selectors of what is hidden on a site, by its host name (`*.bank.com`)."""
    custom_patterns: Input[list[Input[MaskPatternArgs]]]
    """What else is hidden, by regular expression."""


class BrowserArgs(TypedDict, total=False):
    """The browser of every session. `captcha_solver` needs an active proxy, `extra_stealth` AnchorBrowser's own."""

    profile: Input[ProfileArgs]
    """The profile to start from."""
    adblock: Input[SwitchArgs]
    """Whether advertisements are blocked. The API's default: on."""
    popup_blocker: Input[SwitchArgs]
    """Whether popups and consent banners are blocked; needs `adblock`. The API's default: on."""
    captcha_solver: Input[SwitchArgs]
    """Whether captchas are solved; needs an active proxy. The API's default: off."""
    headless: Input[SwitchArgs]
    """Whether the browser has no window. The API's default: off."""
    viewport: Input[ViewportArgs]
    """The size of the page."""
    fullscreen: Input[SwitchArgs]
    """Whether the browser starts in full screen. The API's default: off."""
    pdf_viewer: Input[SwitchArgs]
    """Whether PDFs are shown, and not downloaded. The API's default: on."""
    p2p_download: Input[SwitchArgs]
    """Whether downloads are passed on directly, and not kept in AnchorBrowser's storage. The API's default: off."""
    extensions: Input[list[Input[str]]]
    """The ids of extensions to load, uploaded beforehand."""
    disable_web_security: Input[SwitchArgs]
    """Whether the same-origin policy and CORS are switched off. The API's default: off."""
    extra_stealth: Input[SwitchArgs]
    """Whether AnchorBrowser's own build against bot detection is used; needs AnchorBrowser's own proxy."""
    force_popups_as_tabs: Input[SwitchArgs]
    """Whether popups open as tabs. The API's default: off."""
    web_bot_auth: Input[SwitchArgs]
    """Whether requests are signed for Cloudflare's Web Bot Auth. The API's default: off."""
    disable_dialogs: Input[SwitchArgs]
    """Whether `alert`, `confirm` and `prompt` are suppressed. The API's default: off."""
    tracing: Input[TracingArgs]
    """Traces of what the browser did."""
    sensitive_data_mask: Input[SensitiveDataMaskArgs]
    """What is hidden in pages."""


class ProxyArgs(TypedDict, total=False):
    """AnchorBrowser's proxy, in a country (two small letters), region and city; or, with `type` "custom", your own.

    The password is kept secret even if it is given plain.
    """

    active: Required[Input[bool]]
    """Whether the proxy is used."""
    type: Input[Literal["anchor_proxy", "custom"]]
    """Whose proxy: AnchorBrowser's (`anchor_proxy`) or your own (`custom`)."""
    country_code: Input[str]
    """AnchorBrowser's proxy: the country, as two small letters."""
    region: Input[str]
    """AnchorBrowser's proxy: the region."""
    city: Input[str]
    """AnchorBrowser's proxy: the city; needs `region`."""
    server: Input[str]
    """Your own proxy, as `scheme://host:port` without a user name or password; required for `custom`."""
    username: Input[str]
    """Your own proxy's user; required for `custom`."""
    password: Input[str]
    """Your own proxy's password; required for `custom`. Kept secret, even if the program passes it plain."""


class TimeoutArgs(TypedDict, total=False):
    """How long a session lives, in minutes; -1 for no limit. The API's defaults are 20 and 5."""

    max_duration: Input[int]
    """Minutes until a session ends, 1 to 1440, or -1 for never. The API's default: 20."""
    idle_timeout: Input[int]
    """Minutes without use until it ends, 1 to 1440, or -1 for never. The API's default: 5."""


class LiveViewArgs(TypedDict, total=False):
    """The live view, in which people watch the session."""

    read_only: Input[bool]
    """Whether the live view is read-only."""
    one_time_url: Input[bool]
    """Whether the URL of the live view works only once; not for a headless browser."""


class SessionArgs(TypedDict, total=False):
    """The session around every browser. A tag must not contain a comma."""

    initial_url: Input[str]
    """The page that is opened first."""
    tags: Input[list[Input[str]]]
    """Tags, by which a cleanup can select the session; `pulumi-protect` protects it from every cleanup."""
    recording: Input[SwitchArgs]
    """Whether the session is recorded as a video. The API's default: on."""
    proxy: Input[ProxyArgs]
    """The proxy that the session uses."""
    timeout: Input[TimeoutArgs]
    """Time limits, after which the session ends by itself."""
    live_view: Input[LiveViewArgs]
    """The live view, in which people watch the session."""
    x402: Input[bool]
    """Whether the browser may pay for x402-protected pages by itself."""


class IntegrationArgs(TypedDict, total=False):
    """An integration, prepared beforehand, to load."""

    id: Required[Input[str]]
    """The integration's id."""
    type: Required[Input[str]]
    """The kind of integration, in the API's word."""
    configuration: Required[Input[dict[str, Any]]]
    """The settings of the integration."""


class IdentityArgs(TypedDict, total=False):
    """An identity, prepared beforehand, to log in with."""

    id: Input[str]
    """The identity's id."""


class SessionConfigurationArgs(TypedDict, total=False):
    """What every session of a batch is configured with."""

    session: Input[SessionArgs]
    """The session: tags, time limits, proxy."""
    browser: Input[BrowserArgs]
    """The browser: window, blockers, stealth."""
    integrations: Input[list[Input[IntegrationArgs]]]
    """Integrations to load."""
    identities: Input[list[Input[IdentityArgs]]]
    """Identities to log in with."""


class SelectArgs(TypedDict, total=False):
    """Which batches match: those that meet every criterion given here."""

    owner: Input[str]
    """`any` (the default), or another stack's `organization/project/stack`."""
    statuses: Input[list[Input[LiveStatus]]]
    """Any one of these words of the API. `completed` means that every session was created: browsers may still run."""
    older_than: Input[str | float]
    """The least age, as a duration such as "24h" or "30m", or in seconds."""
    newer_than: Input[str | float]
    """The greatest age, as a duration or in seconds."""
    tags: Input[list[Input[str]]]
    """All of these must be on the sessions."""
    batch_ids: Input[list[Input[str]]]
    """Any one of these ids. An empty list matches nothing."""
    what: Input[What]
    """`batches` (the default), `sessions` (single sessions that belong to no batch), or `all` of both."""


class ExcludeArgs(TypedDict, total=False):
    """Which batches to skip although they match."""

    batch_ids: Input[list[Input[str]]]
    """IDs of batches to skip."""
    tags: Input[list[Input[str]]]
    """Skip batches with any one of these tags on a session."""


class ReadySession(TypedDict):
    """One session in `BatchReady.sessions`. A session that is not ready has no `cdp_url`."""

    item_index: int | None
    """The number of the session within its batch."""
    session_id: str | None
    """The API's id of the session; None while the API has not created it."""
    status: str
    """The API's word for the session when the wait ended."""
    cdp_url: str | None
    """The URL that controls the browser; None where the session is not ready."""
    live_view_url: str | None
    """The URL that shows the browser; None where the API gave none."""
    error: str | None
    """Why the session could not be created."""
