"""Where the settings come from: the stack's config where there is a stack, else the environment."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ClientOptions
from pulumi_anchorbrowser.api.addresses import check_base_url
from pulumi_anchorbrowser.api.client import DEFAULT_BASE_URL
from pulumi_anchorbrowser.api.credentials import check_key
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.keeper import SETTLE_TIMEOUT_SECONDS
from pulumi_anchorbrowser.lifecycle.waiting import FIRST_PAUSE_SECONDS
from pulumi_anchorbrowser.receipts import default_place, place

if TYPE_CHECKING:
    from typing_extensions import Self

_NAMESPACE = "anchorbrowser"
_Value = TypeVar("_Value")


class UnusableSetting(LifecycleError):
    """A setting has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Times are in seconds; the keys are in no repr."""

    api_key: str | None = field(repr=False)
    """The key. A preview needs none; keep it secret in a stack's config."""
    environment_key: str | None = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    """The API's address: https, except on loopback."""
    max_concurrency: int = 64
    """Calls to the API at once; fewer by themselves after a 429. `pulumi up --parallel 64` makes use of it."""
    request_timeout: float = 60.0
    """Seconds for one request."""
    max_retries: int = 5
    """Repeats of a request that may safely be repeated."""
    poll_interval: float = FIRST_PAUSE_SECONDS
    """Seconds until a waiting `BatchReady` first asks again; then more slowly."""
    settle_timeout: float = SETTLE_TIMEOUT_SECONDS
    """Seconds for which a create whose answer was lost is looked for."""
    confirmed_accounts: frozenset[str] = frozenset()
    """The code with which an error asks you to vouch for a changed key; several are separated by commas."""
    receipts: Path | None = None
    """The file that keeps the receipts, or `off` for none."""

    @classmethod
    def read(cls, config: Callable[[str], Any], environ: Mapping[str, str] = os.environ) -> Self:
        """The settings from stack config such as `anchorbrowser:baseUrl`, else from ANCHORBROWSER_BASE_URL and so on.

        Raises UnusableSetting for a value that cannot be used.
        """

        def setting(name: str, parse: Callable[[str], _Value], default: _Value) -> _Value:
            key, variable = f"{_NAMESPACE}:{name}", _variable(name)
            # An empty value is none: it leaves the word to the environment.
            from_config = str(config(key) or "").strip()
            text = from_config or environ.get(variable, "").strip()
            if not text:
                return default
            try:
                return parse(text)
            except ValueError as error:
                source = f"stack config {key}" if from_config else variable
                raise UnusableSetting(f"{source} cannot be used: {error}. Correct it, then run again.") from None

        return cls(
            api_key=setting("apiKey", check_key, None),
            environment_key=Settings._environment_key(environ),
            base_url=setting("baseUrl", check_base_url, cls.base_url),
            max_concurrency=setting("maxConcurrency", _positive(int), cls.max_concurrency),
            request_timeout=setting("requestTimeout", _positive(float), cls.request_timeout),
            max_retries=setting("maxRetries", _not_negative, cls.max_retries),
            poll_interval=setting("pollInterval", _positive(float), cls.poll_interval),
            settle_timeout=setting("settleTimeout", _positive(float), cls.settle_timeout),
            receipts=default_place(environ),
            confirmed_accounts=setting("confirmAccount", _codes, frozenset()),
        )

    @property
    def client_options(self) -> ClientOptions:
        """How a client of these settings behaves."""
        return ClientOptions(
            request_timeout=self.request_timeout,
            max_retries=self.max_retries,
            max_concurrency=self.max_concurrency,
        )

    @staticmethod
    def _environment_key(environ: Mapping[str, str]) -> str | None:
        try:
            return check_key(environ.get(_variable("apiKey"), ""))
        except ValueError:
            return None


SETTINGS = (
    "apiKey",
    "baseUrl",
    "maxConcurrency",
    "requestTimeout",
    "maxRetries",
    "pollInterval",
    "settleTimeout",
    "confirmAccount",
)


def refuse_misspelt(keys: Iterable[str]) -> None:
    """Raise UnusableSetting where a key of the stack's config is nearly the name of a setting.

    An unnoticed `basUrl` would leave the default in force, and start browsers that are billed.
    """
    for key in keys:
        namespace, _, name = key.partition(":")
        if namespace != _NAMESPACE or name in SETTINGS:
            continue
        if meant := _nearest(name, SETTINGS, 0.75):
            raise UnusableSetting(
                f"There is no setting {key!r}; did you mean '{_NAMESPACE}:{meant}'? "
                f"Correct it with `pulumi config rm {key}` and `pulumi config set`, then run again."
            )


def misspelt_variables(environ: Iterable[str]) -> dict[str, str]:
    """The variables that are nearly one of ours, and of which. Other programs may mean them, so none is refused."""
    ours = {*map(_variable, SETTINGS), place.VARIABLE, logs.VARIABLE}
    others = [name for name in environ if name.startswith(_variable("")) and name not in ours]
    return {name: meant for name in others if (meant := _nearest(name, ours, 0.9))}


def _nearest(name: str, among: Iterable[str], likeness: float) -> str | None:
    return next(iter(difflib.get_close_matches(name, among, n=1, cutoff=likeness)), None)


def _variable(name: str) -> str:
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in name)
    return f"{_NAMESPACE}_{words}".upper()


def _number(kind: Callable[[str], _Value], text: str) -> _Value:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def _positive(kind: Callable[[str], _Value]) -> Callable[[str], _Value]:
    def parse(text: str) -> _Value:
        value = _number(kind, text)
        if not 0 < value < math.inf:  # type: ignore[operator]
            raise ValueError(f"{text!r} is not a number above 0")
        return value

    return parse


def _not_negative(text: str) -> int:
    value = _number(int, text)
    if value < 0:
        raise ValueError(f"{text!r} is less than 0")
    return value


def _codes(text: str) -> frozenset[str]:
    return frozenset(code.strip() for code in text.split(",") if code.strip())
