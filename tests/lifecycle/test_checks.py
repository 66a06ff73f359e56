"""What is wrong with inputs: all of it at once, on its property, and without a secret in it."""

from __future__ import annotations

from typing import Any

import pytest
from lifecycle.one_batch import ID, OTHER_ID

from pulumi_anchorbrowser.lifecycle import DEFAULTS, batch_problems
from pulumi_anchorbrowser.lifecycle.checks import unknown_fields
from pulumi_anchorbrowser.lifecycle.waiting import READY_DEFAULTS, ready_problems


class Unknown:
    """A value that a preview does not know."""


UNKNOWN = Unknown()


def is_unknown(value: object) -> bool:
    return isinstance(value, Unknown)


def problems(olds: dict[str, Any] | None = None, **given: Any) -> dict[str, str]:
    """Reasons by property."""
    source = {} if "count" in given or "batch_id" in given else {"count": 1}
    news = {**DEFAULTS, **source, **given}
    return dict(batch_problems(olds or {}, news, is_unknown))


def in_configuration(**given: Any) -> dict[str, str]:
    return {path.removeprefix("configuration."): why for path, why in problems(configuration=given).items()}


def on(**features: bool) -> dict[str, Any]:
    return {name: {"active": active} for name, active in features.items()}


FULL: dict[str, Any] = {
    "session": {
        "initial_url": "https://example.com",
        "tags": ["a", "b c"],
        "recording": {"active": False},
        "proxy": {"active": True, "type": "anchor_proxy", "country_code": "us", "region": "ca", "city": "LA"},
        "timeout": {"max_duration": -1, "idle_timeout": 1440},
        "live_view": {"read_only": True, "one_time_url": False},
    },
    "browser": {
        "profile": {"name": "p", "persist": True},
        "viewport": {"width": 1, "height": 2},
        "extensions": ["x"],
        "tracing": {"active": True, "snapshots": True, "sources": True},
        "sensitive_data_mask": {
            "active": True,
            "custom_selectors": [".a"],
            "site_selectors": {"example.com": [".b"]},
            "custom_patterns": [{"regex": "x", "mask": "*"}],
        },
        **on(adblock=True, popup_blocker=True, captcha_solver=True, headless=False, extra_stealth=True),
    },
    "integrations": [{"id": "i", "type": "t", "configuration": {"any": ["thing", 1]}}],
    "identities": [{"id": "i"}],
}


@pytest.mark.parametrize(
    "given",
    [
        {"count": 1},
        {"count": 1000},
        {"batch_id": ID},
        {"count": 1, "metadata": {"any": {"thing": [1, None]}}},
        {"count": 1, "configuration": FULL},
        {"count": 1, "configuration": {}},
    ],
)
def test_nothing_is_wrong_with_right_inputs(given: dict[str, Any]) -> None:
    assert problems(**given) == {}


def test_every_wrong_property_is_told_at_once() -> None:
    found = problems(
        count=0,
        status="paused",
        on_destroy="keep",
        if_completed="ignore",
        on_missing="panic",
        metadata=[1],
        configuration={"session": {"timeout": {"max_duration": 0}, "tags": ["a,b"]}, "browzer": {}},
    )
    assert set(found) == {
        "count",
        "status",
        "on_destroy",
        "if_completed",
        "on_missing",
        "metadata",
        "configuration.session.timeout.max_duration",
        "configuration.session.tags.0",
        "configuration.browzer",
    }
    assert all(found.values())


@pytest.mark.parametrize("count", [0, -1, 1001, 2.5, "5", True])
def test_count_is_a_whole_number_from_1_to_1000(count: object) -> None:
    (reason,) = problems(count=count).values()
    assert reason.endswith(f"(got {count!r})")


@pytest.mark.parametrize("batch_id", ["all", "", "../x", 7])
def test_batch_id_is_a_uuid(batch_id: object) -> None:
    assert set(problems(batch_id=batch_id)) == {"batch_id"}


def test_exactly_one_of_count_and_batch_id_is_given() -> None:
    assert dict(batch_problems({}, dict(DEFAULTS), is_unknown)) == {
        "count": "give either count (start a new batch) or batch_id (adopt an existing one)"
    }
    assert problems(count=1, batch_id=ID) == {"batch_id": "give either count or batch_id, not both"}


def test_what_a_batch_is_started_with_is_refused_where_one_is_adopted() -> None:
    assert set(problems(batch_id=ID, configuration=FULL, metadata={"a": 1})) == {"configuration", "metadata"}


@pytest.mark.parametrize("before", ["cancelled", "deleted"])
def test_an_adopted_batch_cannot_be_made_active_again(before: str) -> None:
    olds = {"batch_id": ID, "status": before}
    assert before in problems(olds, batch_id=ID, status="active")["status"]
    assert problems(olds, batch_id=ID, status=before) == {}
    assert problems(olds, batch_id=OTHER_ID, status="active") == {}
    assert problems(olds, count=1, status="active") == {}
    assert problems({"count": 1, "status": before}, count=1, status="active") == {}


def test_an_adopted_batch_in_capitals_cannot_be_made_active_again_either() -> None:
    assert "status" in problems({"batch_id": ID, "status": "cancelled"}, batch_id=ID.upper(), status="active")


@pytest.mark.parametrize(
    ("configuration", "path", "meant"),
    [
        ({"sesion": {}}, "sesion", "session"),
        ({"browser": {"captcha_solvr": {"active": True}}}, "browser.captcha_solvr", "captcha_solver"),
        ({"session": {"proxy": {"active": True, "contry_code": "us"}}}, "session.proxy.contry_code", "country_code"),
        ({"integrations": [{"id": "1", "type": "t", "configuration": {}, "typ": "x"}]}, "integrations.0.typ", "type"),
        ({"session": {"proxy": {"active": True, "tpye": "anchor_proxy"}}}, "session.proxy.tpye", "type"),
        ({"session": {"timeout": {"maxDuration": 5}}}, "session.timeout.maxDuration", "max_duration"),
    ],
)
def test_a_misspelt_property_is_told_what_was_meant(configuration: dict[str, Any], path: str, meant: str) -> None:
    name = path.rpartition(".")[2]
    assert in_configuration(**configuration) == {path: f"there is no property {name!r}; did you mean {meant!r}?"}


def test_a_field_that_is_like_no_known_one_is_sent_on_with_a_warning() -> None:
    """The API gets new fields between two releases of this package."""
    configuration = {"x402": {"active": True}, "browser": {"qqqqq": 1}, "sesion": {}}
    assert set(in_configuration(**configuration)) == {"sesion"}
    warnings = unknown_fields(configuration)
    assert [one.split()[0] for one in warnings] == ["configuration.browser.qqqqq", "configuration.x402"]
    assert unknown_fields(FULL) == unknown_fields(UNKNOWN) == []


@pytest.mark.parametrize("minutes", [0, -2, 1441, 1.5, "20", True])
@pytest.mark.parametrize("name", ["max_duration", "idle_timeout"])
def test_minutes_are_1_to_1440_or_no_limit(name: str, minutes: object) -> None:
    assert set(in_configuration(session={"timeout": {name: minutes}})) == {f"session.timeout.{name}"}


@pytest.mark.parametrize("tag", ["a,b", ",", ""])
def test_a_tag_is_not_empty_and_has_no_comma(tag: str) -> None:
    assert "comma" in in_configuration(session={"tags": ["fine", tag]})["session.tags.1"]


@pytest.mark.parametrize("tag", ["pulumi", "pulumi-owner:acme/x/y", "pulumi-claim:1"])
def test_the_providers_own_tags_are_reserved(tag: str) -> None:
    assert "reserved" in in_configuration(session={"tags": ["fine", tag]})["session.tags.1"]


@pytest.mark.parametrize("tag", ["pulumi2", "my-pulumi", "Pulumi", "pulumi-own"])
def test_a_tag_that_only_looks_like_one_is_fine(tag: str) -> None:
    assert in_configuration(session={"tags": [tag]}) == {}


PROXY = {"active": True}
CUSTOM = {"active": True, "type": "custom", "server": "http://p:1", "username": "u", "password": "p"}


@pytest.mark.parametrize(
    ("configuration", "wrong"),
    [
        ({"browser": on(captcha_solver=True)}, "browser.captcha_solver.active"),
        (
            {"browser": on(captcha_solver=True), "session": {"proxy": {"active": False}}},
            "browser.captcha_solver.active",
        ),
        ({"browser": on(captcha_solver=True), "session": {"proxy": PROXY}}, None),
        ({"browser": on(captcha_solver=True), "session": {"proxy": CUSTOM}}, None),
        ({"browser": on(captcha_solver=False)}, None),
        ({"browser": on(popup_blocker=True, adblock=False)}, "browser.popup_blocker.active"),
        ({"browser": on(popup_blocker=True)}, None),
        ({"browser": on(extra_stealth=True)}, "browser.extra_stealth.active"),
        ({"browser": on(extra_stealth=True), "session": {"proxy": CUSTOM}}, "browser.extra_stealth.active"),
        ({"browser": on(extra_stealth=True), "session": {"proxy": PROXY}}, None),
        (
            {"browser": on(headless=True), "session": {"live_view": {"one_time_url": True}}},
            "session.live_view.one_time_url",
        ),
        ({"browser": on(headless=False), "session": {"live_view": {"one_time_url": True}}}, None),
        ({"session": {"proxy": {"active": True, "type": "custom"}}}, "session.proxy"),
        ({"session": {"proxy": CUSTOM}}, None),
        ({"session": {"proxy": {"active": True, "city": "LA"}}}, "session.proxy.city"),
    ],
)
def test_properties_that_need_each_other(configuration: dict[str, Any], wrong: str | None) -> None:
    assert set(in_configuration(**configuration)) == ({wrong} if wrong else set())


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ({"session": {"proxy": {}}}, "session.proxy.active"),
        ({"session": {"proxy": {"active": True, "country_code": "USA"}}}, "session.proxy.country_code"),
        ({"session": {"proxy": {"active": True, "type": "vpn"}}}, "session.proxy.type"),
        ({"session": {"proxy": {**CUSTOM, "server": "http://me:pw@host:1"}}}, "session.proxy.server"),
        ({"session": {"initial_url": "example.com"}}, "session.initial_url"),
        ({"session": {"tags": "one"}}, "session.tags"),
        ({"browser": {"viewport": {"width": 0}}}, "browser.viewport.width"),
        ({"browser": {"headless": True}}, "browser.headless"),
        ({"browser": {"headless": {"active": "yes"}}}, "browser.headless.active"),
        ({"integrations": [{"id": "x"}]}, "integrations.0.type"),
    ],
)
def test_a_wrong_value_is_told_on_its_property(section: dict[str, Any], path: str) -> None:
    assert path in in_configuration(**section)


@pytest.mark.parametrize(
    "given",
    [
        {"count": UNKNOWN},
        {"batch_id": UNKNOWN},
        {"count": 1, "status": UNKNOWN},
        {"count": 1, "metadata": UNKNOWN},
        {"count": 1, "configuration": UNKNOWN},
        {"count": 1, "configuration": {"session": UNKNOWN, "browser": on(captcha_solver=True)}},
        {"count": 1, "configuration": {"session": {"tags": ["a", UNKNOWN]}}},
        {"count": 1, "configuration": {"session": {"tags": UNKNOWN}}},
        {"count": 1, "configuration": {"session": {"timeout": {"max_duration": UNKNOWN}}}},
        {"count": 1, "configuration": {"session": {"proxy": {"active": UNKNOWN}}, "browser": on(captcha_solver=True)}},
        {"count": 1, "configuration": {"session": {"proxy": {**CUSTOM, "password": UNKNOWN}}}},
        {"count": 1, "configuration": {"integrations": [UNKNOWN]}},
    ],
)
def test_what_is_not_known_yet_is_let_through(given: dict[str, Any]) -> None:
    assert problems(**given) == {}


def test_beside_an_unknown_value_a_wrong_one_is_still_told() -> None:
    found = problems(count=UNKNOWN, status="paused", configuration={"session": {"tags": [UNKNOWN, "a,b"]}})
    assert set(found) == {"status", "configuration.session.tags.1"}


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    "given",
    [
        {"configuration": SECRET},
        {"metadata": SECRET},
        {"configuration": {"session": SECRET}},
        {"configuration": {"identities": SECRET}},
        {"configuration": {"session": {"proxy": SECRET}}},
        {"configuration": {"session": {"proxy": {"active": SECRET}}}},
        {"configuration": {"session": {"proxy": {"active": True, "password": [SECRET]}}}},
        {"configuration": {"session": {"proxy": {"active": True, "type": "custom", "password": SECRET}}}},
        {"configuration": {"session": {"proxy": {"active": True, "server": f"http://u:{SECRET}@h/x y"}}}},
        {"configuration": {"session": {"proxy": {"active": True, "server": f"http://u:{SECRET}@h:1"}}}},
        {"configuration": {"session": {"initial_url": SECRET}}},
        {"configuration": {"session": {"tags": [f"{SECRET},x"]}}},
        {"configuration": {"session": {"timeout": {"max_duration": SECRET}}}},
        {"configuration": {"session": {"proxy": {"active": True, "pasword": SECRET}}}},
        {"configuration": {"integrations": [{"id": "1", "type": "t", "configuration": SECRET}]}},
    ],
)
def test_no_value_of_configuration_or_metadata_is_in_a_reason(given: dict[str, Any]) -> None:
    """Any of them can be a secret of the stack; a reason is printed."""
    found = problems(**given)
    assert found
    assert SECRET not in repr(found)


def waits(**given: Any) -> dict[str, str]:
    return dict(ready_problems({**READY_DEFAULTS, **given}, is_unknown))


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"batch_id": ID}, set()),
        ({"batch_id": ID, "min_ready": 1000, "timeout": 30, "retry_failed": 3, "record_sessions": True}, set()),
        ({"batch_id": ID, "timeout": "1h30m"}, set()),
        ({"batch_id": UNKNOWN}, set()),
        ({}, {"batch_id"}),
        ({"batch_id": "x"}, {"batch_id"}),
        ({"batch_id": ID, "min_ready": 0, "timeout": "soon", "retry_failed": 4, "record_sessions": "yes"},
         {"min_ready", "retry_failed", "record_sessions"}),
    ],
)  # fmt: skip
def test_a_wait_is_checked_as_well(given: dict[str, Any], wrong: set[str]) -> None:
    found = {path.split(".")[0] for path in waits(**given)}
    assert found - {"timeout"} == wrong
    assert ("timeout" in found) is (given.get("timeout") == "soon")


def test_a_wait_for_a_batch_that_was_never_started_says_so() -> None:
    assert waits() == {
        "batch_id": "must be the id of a batch (a Batch that starts with another status than active has none)"
    }


@pytest.mark.parametrize("timeout", ["soon", "-5m", -1, "", True, [5], float("nan")])
def test_a_wrong_timeout_is_told_once_and_on_its_own_property(timeout: object) -> None:
    assert set(waits(batch_id=ID, timeout=timeout)) == {"timeout"}
