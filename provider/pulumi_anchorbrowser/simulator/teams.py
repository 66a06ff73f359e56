"""Who calls: API keys, the teams they belong to, and what each team has used up."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from pulumi_anchorbrowser.simulator.clock import SimulatorClock
from pulumi_anchorbrowser.simulator.errors import NotEnoughCredits, QuotaExceeded, TooManyBrowsers
from pulumi_anchorbrowser.simulator.settings import SimulatorSettings


@dataclass
class Usage:
    credits: float = 0.0
    creations: deque[float] = field(default_factory=deque)


class Teams:
    """Maps keys to teams and charges them; a key can be rotated and its team loses nothing."""

    def __init__(self, keys: Mapping[str, str], settings: SimulatorSettings, clock: SimulatorClock) -> None:
        self._keys = dict(keys)
        self._settings = settings
        self._clock = clock
        self._usage: dict[str, Usage] = {}

    def team_of(self, key: str | None) -> str | None:
        return None if key is None else self._keys.get(key)

    def first(self) -> str:
        """Return the team of the first key."""
        return next(iter(self._keys.values()))

    def rotate(self, old: str, new: str) -> None:
        """Give the team of `old` the key `new`; `old` is unknown from now on. KeyError if it already was."""
        self._keys[new] = self._keys.pop(old)

    def usage(self, team: str) -> Usage:
        return self._usage.setdefault(team, Usage())

    def credits_left(self, team: str) -> float | None:
        granted = self._settings.credits
        return None if granted is None else max(0.0, granted - self.usage(team).credits)

    def charge(self, team: str, sessions: int) -> None:
        """Take one credit for each session, or raise NotEnoughCredits and take nothing."""
        left = self.credits_left(team)
        if left is not None and left < sessions:
            raise NotEnoughCredits(sessions, left, self._settings.credits_refused_with)
        self.usage(team).credits += sessions

    def limit_browsers(self, running: int, wanted: int) -> None:
        """Raise TooManyBrowsers where the plan does not allow `wanted` browsers more."""
        allowed = self._settings.max_concurrent_browsers
        if 0 <= allowed < running + wanted:
            raise TooManyBrowsers(allowed, running, wanted)

    def count_creation(self, team: str) -> None:
        """Count one creation, or raise QuotaExceeded."""
        allowed, window = self._settings.creation_quota, self._settings.creation_quota_seconds
        if allowed is None:
            return
        now, recent = self._clock.now(), self.usage(team).creations
        while recent and recent[0] <= now - window:
            recent.popleft()
        if len(recent) >= allowed:
            wait = recent[0] + window - now if recent else window
            raise QuotaExceeded(allowed, window, wait if self._settings.retry_after_on_429 else None)
        recent.append(now)
