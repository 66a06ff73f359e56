"""The searches: where the lives of each begin, what happens in them, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from model.lives import Lives
from model.stack import FOREIGN
from model.world import RUNNING, Remote, World

ALL = ("up", "cancelled", "deleted", "replace", "refresh", "destroy")
ADOPTING = ("up", "adopt", "adopt cancelled", "adopt deleted", "cancelled", "deleted", "refresh", "destroy")


@dataclass(frozen=True)
class Search:
    """Every life of at most `length` of these operations with at most `faults` faults in all.

    With `has_foreign` there is a batch that somebody else started, to be adopted.
    """

    name: str
    length: int
    faults: int
    operations: Sequence[str] = ALL
    settings: dict[str, Any] = field(default_factory=dict)
    has_foreign: bool = False
    at_least: int = 1

    def __str__(self) -> str:
        return self.name

    def world(self) -> World:
        """Return the world in which all its lives begin."""
        world = World(**{"on_destroy": "delete", "if_completed": "end_sessions", **self.settings})
        if self.has_foreign:
            world.remotes.append(Remote(FOREIGN, "", 0, "foreign", status="completed", sessions=[RUNNING, RUNNING]))
        return world

    def lives(self) -> Lives:
        """Return its lives, none of them tried yet."""
        return Lives(self.length, self.faults, self.operations)


CANCEL = {"on_destroy": "cancel"}
CANCEL_OR_DELETE = {"on_destroy": "cancel", "if_completed": "delete"}
END = {"on_destroy": "end_sessions", "if_completed": "delete", "gone_is_empty": True, "on_missing": "recreate"}
ACCEPT = {"on_destroy": "cancel", "if_completed": "accept"}
NO_RECEIPTS = {"if_completed": "fail", "has_receipts": False}
SHORT = [
    Search("cancel", 4, 1, ("up", "cancelled", "destroy"), CANCEL, at_least=300_000),
    Search("replace", 3, 1, ("up", "replace", "destroy"), CANCEL_OR_DELETE, at_least=100_000),
    Search("refresh", 3, 1, ("up", "refresh", "destroy"), END, at_least=25_000),
    Search("accept", 2, 1, ("up", "cancelled", "destroy"), ACCEPT),
    Search("no receipts", 3, 1, ("up", "deleted", "destroy"), NO_RECEIPTS, at_least=20_000),
    Search("adopt", 2, 1, ("adopt", "adopt cancelled", "cancelled", "destroy"), ACCEPT, True, at_least=5_000),
]
# Its lives are among those of "all operations, two faults"; a mutation is found sooner with it.
TWO_FAULTS = Search("delete, two faults", 2, 2, ("up", "deleted", "destroy"), at_least=35_000)
LONG = [
    Search("no fault", 8, 0, settings=CANCEL, at_least=1_000_000_000),
    Search("all operations", 3, 1, at_least=300_000),
    Search("all operations, two faults", 2, 2, at_least=150_000),
    Search("cancel, two faults", 2, 2, settings=CANCEL, at_least=150_000),
    Search("end, two faults", 2, 2, settings=END, at_least=150_000),
    Search("accept, two faults", 2, 2, settings=ACCEPT, at_least=150_000),
    Search("no receipts, two faults", 2, 2, settings=NO_RECEIPTS, at_least=150_000),
    Search("adopt, all operations", 2, 1, ADOPTING, CANCEL, has_foreign=True, at_least=40_000),
]
