"""Every wrong input at once: the types and limits of each property, and the rules between properties."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from pulumi_anchorbrowser.api import SessionConfiguration
from pulumi_anchorbrowser.api.models import parse_id
from pulumi_anchorbrowser.lifecycle.tags import is_reserved_tag

IsUnknown = Callable[[object], bool]

_UNKNOWN_NAME = "extra_forbidden"
_NOT_FOR_USERS = re.compile(r"^Value error, | or instance of \w+$| after validation, not \d+$")
_PHRASES = (
    ("Input should", "must"),
    ("String should", "must"),
    ("List should", "must"),
    ("Field required", "is required"),
)
# How alike an unknown name must be to a known one to count as misspelt. A name of the API's that is refused could not
# be used before the next release, while one of ours is refused in any case.
_LIKENESS, _LIKENESS_OF_OURS = 0.8, 0.6

# `configuration` and `metadata` can hold secrets at any depth, so their values are never shown.
_NEVER_SECRET = frozenset(
    {"count", "batch_id", "status", "on_destroy", "if_completed", "on_missing", "min_ready", "timeout", "retry_failed"}
)


class Problem(NamedTuple):
    """A property (a dotted path) and what is wrong with it."""

    property: str
    reason: str


def problems_of(model: type[BaseModel], inputs: Mapping[str, Any], is_unknown: IsUnknown) -> list[Problem]:
    """Return what the model rejects in the inputs. Values that are not known yet pass.

    A field of `configuration` that this release does not know passes too, unless its name is nearly one that it knows:
    the API gets new fields, and `unknown_fields` warns of them.
    """
    return [
        Problem(_path(item), _reason(item, model))
        for item in _errors(model, inputs)
        if not _has_unknown(item["input"], is_unknown) and not _is_passed_on(item, model)
    ]


def unknown_fields(configuration: Any) -> list[str]:
    """Return a warning for each field of `configuration` that this release does not know and sends on."""
    if not isinstance(configuration, Mapping):
        return []
    passed_on = [
        one for one in _errors(SessionConfiguration, configuration) if _is_passed_on(one, SessionConfiguration)
    ]
    return [
        f"configuration.{_path(item)} is unknown to this release and is sent to the API unchanged" for item in passed_on
    ]


def with_canonical_id(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs with `batch_id` as the API writes it, so that another spelling is no other batch."""
    try:
        return {**inputs, "batch_id": parse_id(inputs["batch_id"])}
    except (KeyError, ValueError):
        return inputs


def configuration_problems(configuration: Any, is_unknown: IsUnknown) -> Iterator[Problem]:
    """Yield what the API would refuse in a combination of properties that are each right on their own."""

    def value(path: str) -> Any:
        found: Any = configuration
        for name in path.split("."):
            if is_unknown(found):
                return found
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    for rule in _RULES:
        values = {path: value(path) for path in rule.reads}
        if not any(is_unknown(found) for found in values.values()) and rule.is_broken(*values.values()):
            yield Problem(f"configuration.{rule.property}", rule.reason)
    for index, tag in enumerate(_list(value("session.tags"))):
        if isinstance(tag, str) and is_reserved_tag(tag):
            yield Problem(f"configuration.session.tags.{index}", f"{tag!r} is reserved for this provider's own tags")


class _Rule(NamedTuple):
    property: str
    reads: tuple[str, ...]
    is_broken: Callable[..., bool]
    reason: str


def _without_server(kind: Any, server: Any, username: Any, password: Any) -> bool:
    return kind == "custom" and not (server and username is not None and password is not None)


_RULES = (
    _Rule(
        "browser.captcha_solver.active",
        ("browser.captcha_solver.active", "session.proxy.active"),
        lambda solver, proxy: solver is True and proxy is not True,
        "the captcha solver needs an active proxy: set configuration.session.proxy.active to True",
    ),
    _Rule(
        "browser.popup_blocker.active",
        ("browser.popup_blocker.active", "browser.adblock.active"),
        lambda blocker, adblock: blocker is True and adblock is False,
        "the popup blocker needs adblock: leave configuration.browser.adblock.active on",
    ),
    _Rule(
        "browser.extra_stealth.active",
        ("browser.extra_stealth.active", "session.proxy.active", "session.proxy.type"),
        lambda stealth, proxy, kind: stealth is True and (proxy is not True or kind == "custom"),
        "extra stealth needs AnchorBrowser's own proxy: set configuration.session.proxy.active to True",
    ),
    _Rule(
        "session.live_view.one_time_url",
        ("session.live_view.one_time_url", "browser.headless.active"),
        lambda one_time, headless: one_time is True and headless is True,
        "a one-time live view needs a browser that is not headless",
    ),
    _Rule(
        "session.proxy",
        ("session.proxy.type", "session.proxy.server", "session.proxy.username", "session.proxy.password"),
        _without_server,
        "a custom proxy needs server, username and password",
    ),
    _Rule(
        "session.proxy.city",
        ("session.proxy.city", "session.proxy.region"),
        lambda city, region: bool(city) and not region,
        "a city needs a region as well",
    ),
)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _has_unknown(value: Any, is_unknown: IsUnknown) -> bool:
    if isinstance(value, Mapping):
        return any(_has_unknown(item, is_unknown) for item in value.values())
    if isinstance(value, list):
        return any(_has_unknown(item, is_unknown) for item in value)
    return is_unknown(value)


def _errors(model: type[BaseModel], inputs: Mapping[str, Any]) -> list[Any]:
    try:
        model.model_validate(inputs)
    except ValidationError as error:
        return list(error.errors(include_url=False))
    return []


def _path(item: Any) -> str:
    return ".".join(map(str, item["loc"]))


def _is_passed_on(item: Any, model: type[BaseModel]) -> bool:
    return model is SessionConfiguration and item["type"] == _UNKNOWN_NAME and _nearest(item, model) is None


def _nearest(item: Any, model: type[BaseModel]) -> str | None:
    name, names = str(item["loc"][-1]), _names_at(model, item["loc"][:-1])
    # Two letters in the wrong order make a short name too unlike: `tpye`.
    swapped = {f"{name[:n]}{name[n + 1]}{name[n]}{name[n + 2 :]}" for n in range(len(name) - 1)}
    likeness = _LIKENESS if model is SessionConfiguration else _LIKENESS_OF_OURS
    near = [one for one in names if one in swapped] or difflib.get_close_matches(name, names, n=1, cutoff=likeness)
    return next(iter(near), None)


def _reason(item: Any, model: type[BaseModel]) -> str:
    message = _in_our_words(str(item["msg"]))
    if item["type"] == _UNKNOWN_NAME:
        nearest = _nearest(item, model)
        return f"there is no property {item['loc'][-1]!r}" + (f"; did you mean {nearest!r}?" if nearest else "")
    value = item["input"]
    if len(item["loc"]) == 1 and item["loc"][0] in _NEVER_SECRET and isinstance(value, (str, int, float)):
        return message if "(got " in message else f"{message} (got {value!r})"
    return message


def _in_our_words(message: str) -> str:
    """Return pydantic's message as our own checks write theirs."""
    text = _NOT_FOR_USERS.sub("", message)
    return next((f"{ours}{text.removeprefix(theirs)}" for theirs, ours in _PHRASES if text.startswith(theirs)), text)


def _names_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    names: list[str] = []
    pending = [model]
    for step in location:
        pending = [inner for outer in pending for inner in _models_in(outer, step)]
    for found in pending:
        names.extend(found.model_fields)
    return names


def _models_in(model: type[BaseModel], step: Any) -> list[type[BaseModel]]:
    if isinstance(step, int):
        return [model]
    field = model.model_fields.get(str(step))
    return list(_models_of(field.annotation)) if field else []


def _models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_of(argument)
