"""The settings come from the stack's config, else from the environment; a value that cannot be used is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import Forbidden, InvalidApiKey
from pulumi_anchorbrowser.binding.settings import (
    SETTINGS,
    Settings,
    UnusableSetting,
    misspelt_variables,
    refuse_misspelt,
    unused_settings,
)
from pulumi_anchorbrowser.errors import printed


def read(config: dict[str, Any] | None = None, **environ: str) -> Settings:
    stack = {f"anchorbrowser:{name}": value for name, value in (config or {}).items()}
    return Settings.read(stack.get, {f"ANCHORBROWSER_{name}": value for name, value in environ.items()})


def test_with_nothing_set_there_are_defaults_and_no_key() -> None:
    settings = read()
    assert (settings.api_key, settings.environment_key) == (None, None)
    assert settings.base_url == "https://api.anchorbrowser.io"
    assert (settings.max_concurrency, settings.request_timeout, settings.max_retries) == (64, 60.0, 5)


NAMES: list[tuple[str, str, str, str, object]] = [
    ("baseUrl", "BASE_URL", "base_url", "https://eu.example.com/", "https://eu.example.com"),
    ("maxConcurrency", "MAX_CONCURRENCY", "max_concurrency", "7", 7),
    ("requestTimeout", "REQUEST_TIMEOUT", "request_timeout", "2.5", 2.5),
    ("maxRetries", "MAX_RETRIES", "max_retries", "0", 0),
    ("apiKey", "API_KEY", "api_key", "key-1", "key-1"),
]


@pytest.mark.parametrize(("name", "variable", "attribute", "text", "value"), NAMES, ids=[row[0] for row in NAMES])
def test_a_setting_comes_from_the_stack_else_from_the_environment(
    name: str, variable: str, attribute: str, text: str, value: object
) -> None:
    other = {"baseUrl": "https://other.example.com", "apiKey": "key-2"}.get(name, "9")
    assert getattr(read({name: text}), attribute) == value
    assert getattr(read(**{variable: f" {text} "}), attribute) == value
    assert getattr(read({name: text}, **{variable: other}), attribute) == value


@pytest.mark.parametrize(("name", "variable", "attribute", "text", "value"), NAMES, ids=[row[0] for row in NAMES])
def test_an_empty_value_of_the_stack_counts_as_none(
    name: str, variable: str, attribute: str, text: str, value: object
) -> None:
    assert getattr(read({name: ""}, **{variable: text}), attribute) == value


def test_numbers_of_the_stack_config_need_not_be_text() -> None:
    settings = read({"maxConcurrency": 7, "requestTimeout": 3})
    assert (settings.max_concurrency, settings.request_timeout) == (7, 3.0)


def test_the_environments_key_is_kept_beside_the_stacks_for_the_fallback() -> None:
    settings = read({"apiKey": "old"}, API_KEY="new\n")
    assert (settings.api_key, settings.environment_key) == ("old", "new")


def test_a_useless_key_of_the_environment_does_not_spoil_the_stacks() -> None:
    settings = read({"apiKey": "good"}, API_KEY="two words")
    assert (settings.api_key, settings.environment_key) == ("good", None)


@pytest.mark.parametrize(
    ("name", "variable", "text"),
    [
        ("baseUrl", "BASE_URL", "http://api.anchorbrowser.io"),
        ("baseUrl", "BASE_URL", "api.anchorbrowser.io"),
        ("baseUrl", "BASE_URL", "https://me:hunter2@host"),
        ("maxConcurrency", "MAX_CONCURRENCY", "0"),
        ("maxConcurrency", "MAX_CONCURRENCY", "many"),
        ("maxConcurrency", "MAX_CONCURRENCY", "2.5"),
        ("requestTimeout", "REQUEST_TIMEOUT", "-1"),
        ("requestTimeout", "REQUEST_TIMEOUT", "nan"),
        ("requestTimeout", "REQUEST_TIMEOUT", "inf"),
        ("requestTimeout", "REQUEST_TIMEOUT", "1e10"),
        ("requestTimeout", "REQUEST_TIMEOUT", "1 minute"),
        ("maxRetries", "MAX_RETRIES", "-1"),
        ("apiKey", "API_KEY", "hunter2 hunter2"),
        ("apiKey", "API_KEY", "\u201chunter2\u201d"),
    ],
)
def test_an_unusable_value_is_an_error_that_names_its_source(name: str, variable: str, text: str) -> None:
    with pytest.raises(UnusableSetting, match=rf"^stack config anchorbrowser:{name} cannot be used: ") as caught:
        read({name: text})
    with pytest.raises(UnusableSetting, match=rf"^ANCHORBROWSER_{variable} cannot be used: "):
        read(**{variable: text})
    line = printed(caught.value)
    assert line.endswith("Correct it, then run again. Explained by `pulumi-anchorbrowser explain unusable-setting`.")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("maxConcurrency", "0", "must be greater than 0 (got 0)"),
        ("maxConcurrency", "many", "must be a whole number (got 'many')"),
        ("requestTimeout", "soon", "must be a number (got 'soon')"),
        ("requestTimeout", "1e10", "must not be greater than 1000000 (got 1e10)"),
        ("maxRetries", "-1", "must not be less than 0 (got -1)"),
    ],
)
def test_the_error_says_what_the_value_must_be(name: str, text: str, reason: str) -> None:
    with pytest.raises(UnusableSetting) as caught:
        read({name: text})
    assert caught.value.explanation.endswith(f": {reason}")


def test_the_keys_are_in_no_repr() -> None:
    shown = repr(read({"apiKey": "sk-one"}, API_KEY="sk-two"))
    assert "sk-one" not in shown
    assert "sk-two" not in shown


SET_CONFIG = "set a valid key with `pulumi config set --secret anchorbrowser:apiKey`, then run again."
SET_VARIABLE = "set a valid key in ANCHORBROWSER_API_KEY, then run again."
CONFIG_THEN = "The API refused the key from the stack config of the last `pulumi up`"


@pytest.mark.parametrize(
    ("config", "variable", "of_last_up", "advice"),
    [
        ("sk-one", "", False, f"The API refused the key from the stack config: {SET_CONFIG}"),
        ("sk-one", "sk-two", False, f"The API refused the key from the stack config: {SET_CONFIG}"),
        ("", "sk-two", False, f"The API refused the key from the environment: {SET_VARIABLE}"),
        ("", "sk-two", True, f"The API refused the key from the environment: {SET_VARIABLE}"),
        ("sk-one", "", True, f"{CONFIG_THEN}: {SET_VARIABLE}"),
        ("sk-one", "sk-one", True, f"{CONFIG_THEN}: {SET_VARIABLE}"),
        ("sk-one", "sk-two", True, f"{CONFIG_THEN} and the key from the environment: {SET_VARIABLE}"),
    ],
)
def test_the_advice_on_a_refused_key_names_where_the_key_is_from(
    config: str, variable: str, *, of_last_up: bool, advice: str
) -> None:
    settings = read({"apiKey": config}, API_KEY=variable)
    with pytest.raises(InvalidApiKey) as caught, settings.naming_key_source(of_last_up=of_last_up):
        raise InvalidApiKey("list batches", "HTTP 401: Invalid API key", status=401)
    assert str(caught.value) == f"Could not list batches: HTTP 401: Invalid API key. {advice}"
    assert "sk-" not in printed(caught.value)


def test_the_advice_on_a_key_that_is_not_allowed_names_where_it_is_from_and_keeps_what_it_says_of_the_plan() -> None:
    settings = read({"apiKey": "sk-one"})
    with pytest.raises(Forbidden) as caught, settings.naming_key_source():
        raise Forbidden("list batches", "HTTP 403", status=403)
    assert caught.value.advice == (
        "The API refused the key from the stack config: use one that is allowed to do this, or ask the team's "
        "administrator."
    )
    with pytest.raises(Forbidden) as caught, settings.naming_key_source():
        raise Forbidden("create a batch", "HTTP 403", status=403, advice="The plan's limit is reached.")
    assert caught.value.advice == "The plan's limit is reached."


def test_receipts_are_where_the_environment_says_or_off() -> None:
    assert read(RECEIPTS="off").receipts is None
    assert read(RECEIPTS="/somewhere/r.sqlite3").receipts == Path("/somewhere/r.sqlite3")
    assert read().receipts is not None


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("anchorbrowser:basUrl", "baseUrl"),
        ("anchorbrowser:apikey", "apiKey"),
        ("anchorbrowser:base_url", "baseUrl"),
        ("anchorbrowser:API_KEY", "apiKey"),
        ("anchorbrowser:APIKEY", "apiKey"),
        ("anchorbrowser:api-key", "apiKey"),
        ("anchorbrowser:APIKEYS", "apiKey"),
        ("anchorbrowser:MAX_RETRYS", "maxRetries"),
    ],
)
def test_a_misspelt_setting_is_refused_and_not_ignored(key: str, meant: str) -> None:
    with pytest.raises(UnusableSetting, match=f"did you mean 'anchorbrowser:{meant}'"):
        refuse_misspelt(["project:basUrl", key])


def test_other_peoples_keys_and_our_own_are_left_alone() -> None:
    keys = [*(f"anchorbrowser:{name}" for name in SETTINGS), "aws:region", "project:baseUrll", "anchorbrowser:version"]
    refuse_misspelt(keys)
    assert unused_settings(keys, "shop") == []


@pytest.mark.parametrize("name", ["key", "token", "team"])
def test_any_other_unknown_setting_gets_a_warning_that_it_has_no_effect(name: str) -> None:
    refuse_misspelt([f"anchorbrowser:{name}"])
    [warning] = unused_settings([f"anchorbrowser:{name}", "anchorbrowser:basUrl"])
    assert warning.startswith(
        f"there is no setting 'anchorbrowser:{name}', so it has no effect; the settings are apiKey, "
    )


def test_a_key_in_the_projects_own_config_gets_a_warning_unless_the_key_is_set() -> None:
    [warning] = unused_settings(["shop:apiKey", "aws:apiKey"], "shop")
    assert "the key in shop:apiKey is the project's own and not used for AnchorBrowser" in warning
    assert unused_settings(["shop:apiKey", "anchorbrowser:apiKey"], "shop") == []
    assert unused_settings(["shop:api_key"], "shop") == []


def test_a_misspelt_variable_is_found_and_other_programs_variables_are_not() -> None:
    others = ["ANCHORBROWSER_TEAM", "ANCHORBROWSER_BASE_URL", "ANCHORBROWSER_LOG", "BASEURL", "PATH"]
    assert misspelt_variables([*others, "ANCHORBROWSER_BASEURL", "ANCHORBROWSER_RECEIPT"]) == {
        "ANCHORBROWSER_BASEURL": "ANCHORBROWSER_BASE_URL",
        "ANCHORBROWSER_RECEIPT": "ANCHORBROWSER_RECEIPTS",
    }


def test_without_a_home_folder_receipts_are_off_and_the_reason_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    reasons: list[str] = []
    assert Settings.read(lambda _: None, {}, reasons.append).receipts is None
    assert len(reasons) == 1
    assert "no home folder" in reasons[0]


@pytest.mark.parametrize("text", ["", "off", "false", "no", "0", "OFF", " False "])
def test_the_debug_log_is_off_by_each_word_for_off(text: str) -> None:
    assert logs.place_of({logs.VARIABLE: text}) is None


def test_the_debug_log_is_the_file_that_the_variable_names() -> None:
    assert logs.place_of({logs.VARIABLE: "/somewhere/log.json"}) == Path("/somewhere/log.json")
