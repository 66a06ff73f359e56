"""Which batches the running program declares, so that no cleanup takes them for leftovers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from threading import Condition
from typing import Any

from pulumi_anchorbrowser.dynamic.declared_here import declared_here, known_value, result_of
from pulumi_anchorbrowser.lifecycle.cleanup import Spared

# Enough for registrations that are under way; one that waits for the cleanup itself would never come.
PATIENCE_SECONDS = 3.0


class Declared:
    """In the provider host: the batches that the engine has named to it in this run; for many threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._urns: set[str] = set()
        self._claims: set[str] = set()
        self._batch_ids: set[str] = set()

    def note_inputs(self, inputs: Mapping[str, Any]) -> None:
        """The engine has shown the inputs of a batch, before it decides what to do with it."""
        with self._changed:
            for name, known in (("resource_urn", self._urns), ("claim", self._claims), ("batch_id", self._batch_ids)):
                if isinstance(value := inputs.get(name), str) and value:
                    known.add(value)
            self._changed.notify_all()

    def note_batch(self, batch_id: str | None) -> None:
        """The engine knows this batch, or is about to."""
        if batch_id is not None:
            with self._changed:
                self._batch_ids.add(batch_id)

    def spared(self, owner: str, urns: Collection[str], patience: float = PATIENCE_SECONDS) -> Spared:
        """What no cleanup of the stack `owner` may touch, whose program declares batches with these URNs.

        Waits, for at most `patience` seconds, for those that the engine is about to name.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._urns.issuperset(urns), timeout=patience)
            unresolved = tuple(sorted(map(_name, set(urns) - self._urns)))
            return Spared(frozenset(self._batch_ids), frozenset(self._claims), owner, unresolved)


async def spared_in_program(owner: str) -> Spared:
    """In the program: what no cleanup may touch. A batch whose id is not known in time is unresolved."""
    batches = [batch for batch, _ in declared_here()]
    tasks = {asyncio.ensure_future(known_value(batch.batch_id)): batch for batch in batches}  # type: ignore[attr-defined]
    if tasks:
        await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
    ids = {batch: result_of(task) for task, batch in tasks.items()}
    unresolved = tuple(sorted(batch._name for batch, id_ in ids.items() if id_ is None))  # noqa: SLF001
    return Spared(frozenset(id_ for id_ in ids.values() if id_ is not None), frozenset(), owner, unresolved)


def _name(urn: str) -> str:
    return urn.split("::")[-1]
