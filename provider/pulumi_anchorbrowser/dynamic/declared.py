"""Which batches the running program declares, so that no cleanup takes them for leftovers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from threading import Condition
from typing import Any
from weakref import WeakKeyDictionary

import pulumi

from pulumi_anchorbrowser.lifecycle.cleanup import Spared

# Enough for registrations that are under way; one that waits for the cleanup itself would never come.
PATIENCE_SECONDS = 3.0
_URN_SECONDS = 1.0

_of_program: WeakKeyDictionary[pulumi.Resource, list[tuple[pulumi.Resource, pulumi.Output[str]]]] = WeakKeyDictionary()


def note_in_program(batch: pulumi.Resource, urn: pulumi.Output[str]) -> None:
    """In the program: it declares this batch."""
    root = pulumi.runtime.get_root_resource()
    if root is not None:
        _of_program.setdefault(root, []).append((batch, urn))


def declared_urns() -> pulumi.Output[list[str]]:
    """In the program: the URNs of all batches that it declares, once it has been read to its end.

    One whose URN waits for something else is there by its name, which is no URN and so is never resolved.
    """

    async def urns() -> list[str]:
        # Tasks begin once the program's own code has run, so that batches declared after this are seen as well.
        await asyncio.sleep(0)
        names = {asyncio.ensure_future(_known(urn)): batch for batch, urn in declared_here()}
        if names:
            await asyncio.wait(names, timeout=_URN_SECONDS)
        return sorted(_urn_or_name(task, batch) for task, batch in names.items())

    return pulumi.Output.from_input(urns())


def declared_here() -> list[tuple[pulumi.Resource, pulumi.Output[str]]]:
    """In the program: its batches so far, each with its URN."""
    root = pulumi.runtime.get_root_resource()
    return list(_of_program.get(root, ())) if root is not None else []


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
    tasks = {asyncio.ensure_future(_known(batch.batch_id)): batch for batch in batches}  # type: ignore[attr-defined]
    if tasks:
        await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
    ids = {batch: _result(task) for task, batch in tasks.items()}
    unresolved = tuple(sorted(batch._name for batch, id_ in ids.items() if id_ is None))  # noqa: SLF001
    return Spared(frozenset(_present(ids.values())), frozenset(), owner, unresolved)


async def _known(output: pulumi.Output[Any]) -> Any:
    return await output.future() if await output.is_known() else None


def _result(task: asyncio.Future[Any]) -> Any:
    return task.result() if task.done() and not task.cancelled() and task.exception() is None else None


def _urn_or_name(task: asyncio.Future[Any], batch: pulumi.Resource) -> str:
    return str(_result(task) or batch._name)  # noqa: SLF001  # it has no public one


def _name(urn: str) -> str:
    return urn.split("::")[-1]


def _present(ids: Iterable[str | None]) -> list[str]:
    return [id_ for id_ in ids if id_ is not None]
