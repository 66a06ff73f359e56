"""Which fields of a configuration this release knows."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pulumi_anchorbrowser.api import SessionConfiguration, known_fields


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ((), ("session", "browser", "integrations", "identities")),
        (("session",), ("initial_url", "tags", "recording", "proxy", "timeout", "live_view", "x402")),
        (("session", "timeout"), ("max_duration", "idle_timeout")),
        (("browser", "tracing"), ("active", "snapshots", "sources")),
        (("browser", "sensitive_data_mask", "custom_patterns", 0), ("regex", "mask")),
        (("integrations", 3), ("id", "type", "configuration")),
        (("integrations", 3, "configuration"), ()),
        (("browser", "sensitive_data_mask", "site_selectors"), ()),
        (("browser", "extensions"), ()),
        (("session", "tags", 0), ()),
        (("sessions",), ()),
        (("session", "proxies", "server"), ()),
    ],
)
def test_the_known_fields_below_a_path(path: tuple[str | int, ...], fields: tuple[str, ...]) -> None:
    assert known_fields(*path) == fields


def test_a_session_may_pay_by_x402() -> None:
    given = {"session": {"x402": True}}
    assert SessionConfiguration.model_validate(given).model_dump(exclude_none=True) == given
    with pytest.raises(ValidationError):
        SessionConfiguration.model_validate({"session": {"x402": {"active": True}}})
