"""The browser's part of a batch's `configuration`; mostly switches."""

from __future__ import annotations

from pulumi_anchorbrowser.simulator.wire import Sent, Uuid


class Toggle(Sent):
    active: bool | None = None


class Profile(Sent):
    name: str | None = None
    persist: bool | None = None


class Viewport(Sent):
    width: int | None = None
    height: int | None = None


class Tracing(Toggle):
    snapshots: bool | None = None
    sources: bool | None = None


class MaskPattern(Sent):
    regex: str | None = None
    mask: str | None = None


class SensitiveDataMask(Toggle):
    custom_selectors: list[str] | None = None
    site_selectors: dict[str, list[str]] | None = None
    custom_patterns: list[MaskPattern] | None = None


class BrowserConfig(Sent):
    profile: Profile | None = None
    adblock: Toggle | None = None
    popup_blocker: Toggle | None = None
    captcha_solver: Toggle | None = None
    headless: Toggle | None = None
    viewport: Viewport | None = None
    fullscreen: Toggle | None = None
    pdf_viewer: Toggle | None = None
    p2p_download: Toggle | None = None
    extensions: list[Uuid] | None = None
    disable_web_security: Toggle | None = None
    extra_stealth: Toggle | None = None
    force_popups_as_tabs: Toggle | None = None
    web_bot_auth: Toggle | None = None
    disable_dialogs: Toggle | None = None
    tracing: Tracing | None = None
    sensitive_data_mask: SensitiveDataMask | None = None
