"""The core against a small model of the API, exhaustively: every life of a stack with one batch, up to a stated length."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from model.lives import Lives
from model.stack import FOREIGN
from model.world import RUNNING, URN, ModelReceipts, Remote, World

from pulumi_anchorbrowser.receipts import Receipts, Subject

OPERATIONS = ("up", "cancelled", "deleted", "replace", "refresh", "destroy")
ADOPTING = ("up", "adopt", "adopt cancelled", "adopt deleted", "cancelled", "deleted", "refresh", "destroy")


@dataclass(frozen=True)
class Stack:
    """Where the lives of one search begin, and how many there are: `length` runs and `faults` faults at most."""

    name: str
    length: int
    faults: int
    settings: dict[str, Any] = field(default_factory=dict)
    has_foreign: bool = False

    def search(self) -> Lives:
        """Try every life."""
        world = World(**{"on_destroy": "delete", "if_completed": "end_sessions", **self.settings})
        if self.has_foreign:
            world.remotes.append(Remote(FOREIGN, "", 0, "foreign", status="completed", sessions=[RUNNING, RUNNING]))
        lives = Lives(self.length, self.faults, ADOPTING if self.has_foreign else OPERATIONS)
        lives.try_all(world)
        return lives


CANCELS = {"on_destroy": "cancel"}
ENDS = {"on_destroy": "end_sessions", "if_completed": "delete", "gone_is_empty": True, "on_missing": "recreate"}
ACCEPTS = {"on_destroy": "cancel", "if_completed": "accept"}
FAILS = {"if_completed": "fail", "has_receipts": False}
SHORT = [
    Stack("two faults", 2, 2),
    Stack("three runs", 3, 1),
    Stack("a destroy that cancels", 2, 1, CANCELS),
    Stack("a destroy that ends sessions, and a deleted batch that is empty", 2, 1, ENDS),
    Stack("no receipts", 2, 1, FAILS),
    Stack("adopting", 2, 1, ACCEPTS, has_foreign=True),
]
LONG = [
    Stack("no fault, ten runs", 10, 0, CANCELS),
    Stack("four runs", 4, 1),
    Stack("three runs, two faults", 3, 2),
    Stack("three faults", 2, 3, CANCELS),
    Stack("two faults, ending sessions", 2, 2, ENDS),
    Stack("two faults, accepting", 2, 2, ACCEPTS),
    Stack("two faults, no receipts", 2, 2, FAILS),
    Stack("two faults, adopting", 2, 2, CANCELS, has_foreign=True),
    Stack("three runs, adopting", 3, 1, ENDS, has_foreign=True),
]
