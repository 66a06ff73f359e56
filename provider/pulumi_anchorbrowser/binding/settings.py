"""The settings: from the stack's config where there is a stack, else from the environment."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import (
    DEFAULT_BASE_URL,
    ClientOptions,
    Forbidden,
    InvalidApiKey,
    check_base_url,
    check_key,
)
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle import SETTLE_TIMEOUT_SECONDS
from pulumi_anchorbrowser.lifecycle.waiting import POLL_SECONDS
from pulumi_anchorbrowser.receipts import VARIABLE as RECEIPTS_VARIABLE
from pulumi_anchorbrowser.receipts import default_place

NAMESPACE = "anchorbrowser"
_Value = TypeVar("_Value")


class UnusableSetting(ExpectedError):
    """A setting has a value that cannot be used, or its name is misspelt."""

    anchor = "unusable-setting"
    advice = "Correct it, then run again."


class KeySource(NamedTuple):
    """Where an API key is from, and how to set another one there. Never the key itself."""

    place: str
    remedy: str


FROM_ENVIRONMENT = KeySource("the environment", "set a valid key in ANCHORBROWSER_API_KEY")
FROM_STACK = KeySource("the stack config", f"set a valid key with `pulumi config set --secret {NAMESPACE}:apiKey`")


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Times are in seconds. The keys are in no repr."""

    api_key: str | None = field(repr=False)
    """The API key; keep it secret in a stack's config. A preview needs none."""
    environment_key: str | None = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    """The API's address: https, except on loopback."""
    max_concurrency: int = 64
    """The most requests in flight at once; fewer after a 429. `pulumi up --parallel 64` makes use of them."""
    request_timeout: float = 60.0
    """Seconds until one request times out."""
    max_retries: int = 5
    """The most retries of a request that can be sent again safely. A request that changes something and gets a 429 is
    retried for up to 10 minutes instead, unless this is 0."""
    poll_interval: float = POLL_SECONDS
    """Seconds between two requests for the batches that `BatchReady` waits for."""
    settle_timeout: float = SETTLE_TIMEOUT_SECONDS
    """Seconds to look for the batch of a create that lost its response."""
    organization: str = "organization"
    """The organization of the stack, for the native plugin on Pulumi Cloud: Pulumi does not pass it to plugins. On a
    backend of your own it is always `organization`, and the dynamic provider does not need the setting."""
    confirmed_accounts: frozenset[str] = frozenset()
    """The code that an error gives, to confirm a changed key; separate several codes with commas."""
    receipts: Path | None = None
    """The file of the receipts, as an absolute path; `off` for none."""
    key_source: KeySource = FROM_ENVIRONMENT
    environment_key_source: KeySource = FROM_ENVIRONMENT

    @classmethod
    def read(
        cls,
        config: Callable[[str], Any],
        environ: Mapping[str, str] = os.environ,
        notify: Callable[[str], object] = lambda _: None,
        source: KeySource = FROM_STACK,
    ) -> Settings:
        """Return the settings from config such as `anchorbrowser:baseUrl`, else from ANCHORBROWSER_BASE_URL and so on.

        `notify` gets the reason where receipts are off because there is no place for them. `source` says where a key
        in `config` is from. Raises UnusableSetting, and ReceiptsUnavailable for a path in ANCHORBROWSER_RECEIPTS that
        cannot be used.
        """

        def setting(name: str, parse: Callable[[str], _Value], default: _Value) -> _Value:
            key, variable = f"{NAMESPACE}:{name}", _variable(name)
            # An empty value is none, and leaves the word to the environment.
            from_config = str(config(key) or "").strip()
            text = from_config or environ.get(variable, "").strip()
            if not text:
                return default
            try:
                return parse(text)
            except ValueError as error:
                source = f"stack config {key}" if from_config else variable
                raise UnusableSetting(f"{source} cannot be used: {error}") from None

        return cls(
            api_key=setting("apiKey", check_key, None),
            environment_key=usable_key(environ.get(_variable("apiKey"), "")),
            base_url=setting("baseUrl", check_base_url, cls.base_url),
            max_concurrency=setting("maxConcurrency", _positive(int), cls.max_concurrency),
            request_timeout=setting("requestTimeout", _positive(float), cls.request_timeout),
            max_retries=setting("maxRetries", _not_negative, cls.max_retries),
            poll_interval=setting("pollInterval", _positive(float), cls.poll_interval),
            settle_timeout=setting("settleTimeout", _positive(float), cls.settle_timeout),
            organization=setting("organization", _name, cls.organization),
            receipts=default_place(environ, notify),
            confirmed_accounts=setting("confirmAccount", _codes, frozenset()),
            key_source=source if str(config(f"{NAMESPACE}:apiKey") or "").strip() else FROM_ENVIRONMENT,
        )

    @contextmanager
    def naming_key_source(self, *, of_last_up: bool = False) -> Iterator[None]:
        """Name, in the advice of an error that the block raises, where the key is from that the API refused.

        `of_last_up`: the block has the config of the last `up`, and tries the environment's key as well.
        """
        try:
            yield
        except (InvalidApiKey, Forbidden) as error:
            # Advice that speaks of the plan stays: another key would not help.
            if error.advice == type(error).advice:
                error.advice = self._advice_on_key(is_valid=isinstance(error, Forbidden), of_last_up=of_last_up)
            raise

    def _advice_on_key(self, *, is_valid: bool, of_last_up: bool) -> str:
        places, remedy = [self.key_source.place], self.key_source.remedy
        if of_last_up:
            remedy = self.environment_key_source.remedy
            is_in_state = self.key_source is not FROM_ENVIRONMENT
            places = [f"{self.key_source.place} of the last `pulumi up`"] if is_in_state else []
            if not places or self.environment_key not in {None, self.api_key}:
                places.append(self.environment_key_source.place)
        if is_valid:
            keys = " or ".join(f"the key from {one}" for one in places)
            return f"The API refused {keys}: use one that is allowed to do this, or ask the team's administrator."
        keys = " and ".join(f"the key from {one}" for one in places)
        return f"The API refused {keys}: {remedy}, then run again."

    @property
    def client_options(self) -> ClientOptions:
        """How a client of these settings behaves."""
        return ClientOptions(
            request_timeout=self.request_timeout,
            max_retries=self.max_retries,
            max_concurrency=self.max_concurrency,
        )


SETTINGS = (
    "apiKey",
    "baseUrl",
    "maxConcurrency",
    "requestTimeout",
    "maxRetries",
    "pollInterval",
    "settleTimeout",
    "organization",
    "confirmAccount",
)


# In seconds eleven days. A socket cannot take every number as its time limit, and says so only once a request is sent.
_MOST = 1_000_000
# What engines have added to the config of a provider.
_OF_THE_ENGINE = frozenset({"version", "pluginDownloadURL", "pluginChecksums", "parameterization"})


def refuse_misspelt(keys: Iterable[str]) -> None:
    """Raise UnusableSetting where a key of the stack's config is nearly the name of a setting.

    An unnoticed `basUrl` would leave the default in force, and start browsers that are billed; an unnoticed `API_KEY`
    would start them with the environment's key, perhaps in another team.
    """
    for name in _no_settings(keys):
        if meant := _setting_meant(name):
            key = f"{NAMESPACE}:{name}"
            raise UnusableSetting(
                f"There is no setting {key!r} (did you mean '{NAMESPACE}:{meant}'?)",
                f"Remove it with `pulumi config rm {key}`, set {NAMESPACE}:{meant}, then run again.",
            )


def unused_settings(keys: Collection[str], project: str = "") -> list[str]:
    """Return a warning for each key of the stack's config that was meant for us, as it seems, and has no effect.

    `project` is the name of the project, whose config `pulumi config set` changes where it gets no namespace.
    """
    unused = [
        f"there is no setting '{NAMESPACE}:{name}', so it has no effect; the settings are {', '.join(SETTINGS)}"
        for name in _no_settings(keys)
        if _setting_meant(name) is None
    ]
    key, of_the_project = f"{NAMESPACE}:apiKey", f"{project}:apiKey"
    if of_the_project in keys and key not in keys:
        unused.append(
            f"the key in {of_the_project} is the project's own and not used for AnchorBrowser, whose key is {key}. Set "
            f"that with `pulumi config set --secret {key}`."
        )
    return unused


def _no_settings(keys: Iterable[str]) -> list[str]:
    """Return the names in our namespace that are no settings."""
    names = (key.removeprefix(f"{NAMESPACE}:") for key in keys if key.startswith(f"{NAMESPACE}:"))
    return [name for name in names if name not in _OF_THE_ENGINE and name not in SETTINGS]


def _setting_meant(name: str) -> str | None:
    """Return the setting of which the name is nearly the one, however it is written; None where there is none."""
    settings = {_folded(one): one for one in SETTINGS}
    nearest = _nearest(_folded(name), settings, 0.75)
    return None if nearest is None else settings[nearest]


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def usable_key(text: str) -> str | None:
    """Return the key without surrounding space; None for a text that cannot be a key.

    For a second key: the one that is configured may be right.
    """
    try:
        return check_key(text)
    except ValueError:
        return None


def misspelt_variables(environ: Iterable[str]) -> dict[str, str]:
    """Return the variables that are nearly one of ours, and of which. None is refused: other programs may have them."""
    ours = {*map(_variable, SETTINGS), RECEIPTS_VARIABLE, logs.VARIABLE}
    others = [name for name in environ if name.startswith(_variable("")) and name not in ours]
    return {name: meant for name in others if (meant := _nearest(name, ours, 0.9))}


def _nearest(name: str, among: Iterable[str], likeness: float) -> str | None:
    return next(iter(difflib.get_close_matches(name, among, n=1, cutoff=likeness)), None)


def _variable(name: str) -> str:
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in name)
    return f"{NAMESPACE}_{words}".upper()


def _number(kind: Callable[[str], _Value], text: str) -> _Value:
    try:
        return kind(text)
    except ValueError:
        whole = "whole number" if kind is int else "number"
        raise ValueError(f"must be a {whole} (got {text!r})") from None


def _positive(kind: Callable[[str], _Value]) -> Callable[[str], _Value]:
    def parse(text: str) -> _Value:
        value = _number(kind, text)
        if not 0 < value < math.inf:  # type: ignore[operator]
            raise ValueError(f"must be greater than 0 (got {text})")
        if value > _MOST:  # type: ignore[operator]
            raise ValueError(f"must not be greater than {_MOST} (got {text})")
        return value

    return parse


def _not_negative(text: str) -> int:
    value = _number(int, text)
    if value < 0:
        raise ValueError(f"must not be less than 0 (got {text})")
    return value


def _name(text: str) -> str:
    if "/" in text or text.split() != [text]:
        raise ValueError(f"must be the name of an organization, without spaces and slashes (got {text!r})")
    return text


def _codes(text: str) -> frozenset[str]:
    return frozenset(code.strip() for code in text.split(",") if code.strip())
