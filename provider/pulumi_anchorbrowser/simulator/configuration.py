"""The bodies that callers send; above all the `configuration` that sessions are started with."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from pulumi_anchorbrowser.simulator.wire import Sent, Uri, Uuid

DEFAULT_MAX_DURATION = 20
DEFAULT_IDLE_TIMEOUT = 5
NO_LIMIT = -1

_LISTED = """
    af al dz ad ao as ag ar am aw au at az bs bh bb by be bz bj bm bo ba br bg bf cm ca cv td cl co cg cr ci hr cu
    cy cz dk dm do ec eg sv ee et fo fi fr gf pf ga gm ge de gh gi gr gd gp gt gg gn gw gy ht hn hu is in ir iq ie
    il it jm jp jo kz kw kg lv lb ly li lt lu mk ml mt mq mr mx md mc me ma nl nz ni ng no pk pa py pe ph pl pt pr
    qa ro lc sm sa sn rs sc sl sk si so za kr es sr se ch sy st tw tj tg tt tn tr tc ua ae us uy uz ve ye
"""
COUNTRY_CODES = tuple(_LISTED.split())


def _known(code: str) -> str:
    if code not in COUNTRY_CODES:
        raise ValueError("a country code in small letters that the proxy supports is expected")
    return code


CountryCode = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(COUNTRY_CODES)})]


class SentToggle(Sent):
    active: bool | None = None


class SentProfile(Sent):
    name: str | None = None
    persist: bool | None = None


class SentViewport(Sent):
    width: int | None = None
    height: int | None = None


class SentTracing(SentToggle):
    snapshots: bool | None = None
    sources: bool | None = None


class SentMaskPattern(Sent):
    regex: str | None = None
    mask: str | None = None


class SentSensitiveDataMask(SentToggle):
    custom_selectors: list[str] | None = None
    site_selectors: dict[str, list[str]] | None = None
    custom_patterns: list[SentMaskPattern] | None = None


class SentBrowserConfig(Sent):
    profile: SentProfile | None = None
    adblock: SentToggle | None = None
    popup_blocker: SentToggle | None = None
    captcha_solver: SentToggle | None = None
    headless: SentToggle | None = None
    viewport: SentViewport | None = None
    fullscreen: SentToggle | None = None
    pdf_viewer: SentToggle | None = None
    p2p_download: SentToggle | None = None
    extensions: list[Uuid] | None = None
    disable_web_security: SentToggle | None = None
    extra_stealth: SentToggle | None = None
    force_popups_as_tabs: SentToggle | None = None
    web_bot_auth: SentToggle | None = None
    disable_dialogs: SentToggle | None = None
    tracing: SentTracing | None = None
    sensitive_data_mask: SentSensitiveDataMask | None = None


class SentAnchorProxy(Sent):
    active: bool
    type: Literal["anchor_proxy"] | None = None
    country_code: CountryCode | None = Field(default=None, json_schema_extra={"default": "us"})
    region: str | None = None
    city: str | None = None


class SentCustomProxy(Sent):
    type: Literal["custom"]
    server: str
    username: str
    password: str
    active: bool


class SentTimeout(Sent):
    """Minutes; -1 is without limit."""

    max_duration: int | None = None
    idle_timeout: int | None = None


class SentLiveView(Sent):
    read_only: bool | None = None
    one_time_url: bool | None = None


class SentSessionConfig(Sent):
    initial_url: Uri | None = None
    tags: list[str] | None = None
    recording: SentToggle | None = None
    proxy: SentAnchorProxy | SentCustomProxy | None = None
    timeout: SentTimeout | None = None
    live_view: SentLiveView | None = None
    x402: bool | None = None  # whether the browser may pay by that protocol; younger than the contract


class SentAllSecrets(Sent):
    load_mode: Literal["all"]


class SentSpecificSecrets(Sent):
    load_mode: Literal["specific"]
    secrets: Annotated[list[str], Field(min_length=1)]


class SentIntegration(Sent):
    id: Uuid
    type: Literal["1PASSWORD"]
    configuration: SentAllSecrets | SentSpecificSecrets


class SentIdentity(Sent):
    id: str | None = None


class SentConfiguration(Sent):
    session: SentSessionConfig | None = None
    browser: SentBrowserConfig | None = None
    integrations: list[SentIntegration] | None = None
    identities: list[SentIdentity] | None = None

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
        """Minutes until a session ends to which nobody connects: the shorter of its two limits."""
        set_ = (self.session and self.session.timeout) or SentTimeout()
        longest = DEFAULT_MAX_DURATION if set_.max_duration is None else set_.max_duration
        idle = DEFAULT_IDLE_TIMEOUT if set_.idle_timeout is None else set_.idle_timeout
        limits = [limit for limit in (longest, idle) if limit != NO_LIMIT]
        return min(limits) if limits else None

    def sent(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


def unknown_fields(value: object, place: str = "") -> list[str]:
    """Return the path of each field of a body that the API does not know."""
    if isinstance(value, list):
        return [name for number, one in enumerate(value) for name in unknown_fields(one, f"{place}{number}.")]
    if not isinstance(value, BaseModel):
        return []
    own = [f"{place}{name}" for name in value.model_extra or {}]
    parts = ((name, getattr(value, name)) for name in type(value).model_fields)
    return own + [found for name, part in parts for found in unknown_fields(part, f"{place}{name}.")]


class BatchRequest(Sent):
    count: Annotated[int, Field(ge=1, le=1000)]
    configuration: SentConfiguration | None = None
    metadata: dict[str, Any] | None = None


class BatchUpdate(Sent):
    status: Literal["cancelled"]


class RetryRequest(Sent):
    retry_failed_only: bool = True
    max_retries: Annotated[int, Field(ge=1, le=3)] = 1


class TagsRequest(Sent):
    tags: list[str]
