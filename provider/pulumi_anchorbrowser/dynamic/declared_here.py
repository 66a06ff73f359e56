"""Which batches the running program declares: in the program's own process."""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

import pulumi

_URN_SECONDS = 1.0

_of_program: WeakKeyDictionary[pulumi.Resource, list[tuple[pulumi.Resource, pulumi.Output[str]]]] = WeakKeyDictionary()


def note_in_program(batch: pulumi.Resource, urn: pulumi.Output[str]) -> None:
    """The program declares this batch."""
    root = pulumi.runtime.get_root_resource()
    if root is not None:
        _of_program.setdefault(root, []).append((batch, urn))


def declared_urns() -> pulumi.Output[list[str]]:
    """The URNs of all batches that the program declares, once that has been read to its end.

    One whose URN waits for something else is there by its name, which is no URN and so is never resolved.
    """

    async def urns() -> list[str]:
        # Tasks begin once the program's own code has run, so that batches declared after this are seen as well.
        await asyncio.sleep(0)
        names = {asyncio.ensure_future(known_value(urn)): batch for batch, urn in declared_here()}
        if names:
            await asyncio.wait(names, timeout=_URN_SECONDS)
        return sorted(_urn_or_name(task, batch) for task, batch in names.items())

    return pulumi.Output.from_input(urns())


def declared_here() -> list[tuple[pulumi.Resource, pulumi.Output[str]]]:
    """The program's batches so far, each with its URN."""
    root = pulumi.runtime.get_root_resource()
    return list(_of_program.get(root, ())) if root is not None else []


async def known_value(output: pulumi.Output[Any]) -> Any:
    """The value of an output; None where it is not known."""
    return await output.future() if await output.is_known() else None


def result_of(task: asyncio.Future[Any]) -> Any:
    """What the task has come to so far; None where that is nothing."""
    return task.result() if task.done() and not task.cancelled() and task.exception() is None else None


def _urn_or_name(task: asyncio.Future[Any], batch: pulumi.Resource) -> str:
    return str(result_of(task) or batch._name)  # noqa: SLF001  # it has no public one
