"""Requests that several threads share, because they ask for the same kind of thing at about the same time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Set
from dataclasses import dataclass, field
from itertools import takewhile
from threading import Condition
from typing import Generic, TypeVar

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.clock import Clock

WINDOW_SECONDS = 0.05
RECENT_SECONDS = 5.0
# So many different keys, asked for within RECENT_SECONDS, are worth a request that they share.
MANY = 3

_Item = TypeVar("_Item", bound=Hashable)
_Found = TypeVar("_Found")


@dataclass
class _Gathering(Generic[_Item, _Found]):
    wanted: set[_Item] = field(default_factory=set)
    found: Mapping[_Item, _Found] = field(default_factory=dict)
    is_over: bool = False


class Sharing(Generic[_Item, _Found]):
    """Gathers what threads ask for at about the same time; the first of them fetches it for all.

    At most `at_once` fetches are under way. More of them make each answer come sooner, and cost more requests.
    """

    def __init__(self, clock: Clock, fetch: Callable[[Set[_Item]], Mapping[_Item, _Found]], at_once: int = 1) -> None:
        self._clock = clock
        self._fetch = fetch
        self._at_once = at_once
        self._changed = Condition()
        self._gathering: _Gathering[_Item, _Found] | None = None
        self._fetching = 0
        self._asked_at: dict[str, float] = {}

    def is_one_of_many(self, key: str) -> bool:
        """Whether at least MANY different keys were asked for within the last seconds, this one included."""
        now = self._clock.monotonic()
        with self._changed:
            # In the order in which they were last asked for.
            self._asked_at.pop(key, None)
            self._asked_at[key] = now
            for old in list(takewhile(lambda one: now - self._asked_at[one] > RECENT_SECONDS, self._asked_at)):
                del self._asked_at[old]
            return len(self._asked_at) >= MANY

    def asked_since(self, moment: float) -> list[str]:
        """Return the keys that were asked for since then."""
        with self._changed:
            return [key for key, at in self._asked_at.items() if at >= moment]

    def ask(self, item: _Item) -> _Found | None:
        """Return what a fetch that begins after this call finds for the item. None: fetch it alone."""
        with self._changed:
            is_first = self._gathering is None
            gathering = self._gathering = self._gathering or _Gathering()
            gathering.wanted.add(item)
            if not is_first:
                while not gathering.is_over:
                    self._clock.wait(self._changed, None)
                return gathering.found.get(item)
        try:
            self._clock.sleep(WINDOW_SECONDS)
            self._close(gathering)
        finally:
            with self._changed:
                if self._gathering is gathering:
                    self._gathering = None
                gathering.is_over = True
                self._changed.notify_all()
        return gathering.found.get(item)

    def _close(self, gathering: _Gathering[_Item, _Found]) -> None:
        with self._changed:
            # Until its turn comes, this gathering stays open to more.
            while self._fetching >= self._at_once:
                self._clock.wait(self._changed, None)
            self._fetching += 1
            self._gathering = None
        try:
            # It is for all who wait, and about no one batch.
            with logs.about(urn=None, claim=None, batch_id=None):
                gathering.found = self._fetch(gathering.wanted)
        finally:
            with self._changed:
                self._fetching -= 1
