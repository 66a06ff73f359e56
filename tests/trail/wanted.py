"""A stack whose batches are wanted, with what an interrupted create of it has left, and a cleanup that they match."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crashes.killed_runs import OURS, KillableStage
from stages import StageResult
from trail.machines import CLEANUP, Wanderer

from pulumi_anchorbrowser.simulator import Fault, Simulator

# As in the scenarios, and with Pulumi's own options: "options" of a resource, with "aliases" as names and "parent" as
# the options of its parent.
PROGRAM = '''
import json
import pulumi
import pulumi_anchorbrowser

config = pulumi.Config()


def retained(args):
    """What the team's own library puts on every resource."""
    args.opts.retain_on_delete = True
    return pulumi.ResourceTransformResult(props=args.props, opts=args.opts)


if config.get_bool("retained"):
    pulumi.runtime.register_resource_transform(retained)
for name, args in json.loads(config.require("resources")).items():
    kind = getattr(pulumi_anchorbrowser, args.pop("kind", "Batch"))
    options = args.pop("options", {})
    if "aliases" in options:
        options["aliases"] = [pulumi.Alias(name=alias) for alias in options["aliases"]]
    if "parent" in options:
        of_parent = pulumi.ResourceOptions(**options["parent"])
        options["parent"] = pulumi.ComponentResource("demo:index:Group", f"of-{name}", None, of_parent)
    kind(name, **args, opts=pulumi.ResourceOptions(**options))
'''
NIGHTLY = {"session": {"tags": ["nightly"]}}
COUNTS = {"a": 2, "b": 1}


def nightly(count: int, **more: Any) -> dict[str, Any]:
    """A batch with the tag that the cleanup looks for."""
    return {"count": count, "configuration": NIGHTLY, **more}


class WantedStack(Wanderer):
    """A stack with two batches, `a` and `b`, and perhaps a cleanup that they match. `resources` is its program."""

    def __init__(self, stage: KillableStage, sim: Simulator, receipts: Path, *, with_cleanup: bool) -> None:
        super().__init__(stage, sim, receipts)
        stage.write_program(PROGRAM)
        self.resources: dict[str, dict[str, Any]] = {name: nightly(count) for name, count in COUNTS.items()}
        if with_cleanup:
            self.resources |= CLEANUP
        self.ids: dict[str, str] = {}

    def begin(self) -> str:
        """Start both batches, and kill a replacement of `a`, which is then taken back. The leftover's id."""
        self.sim.settings.creation_seconds = 0
        self.goes_to(self.resources)
        self.ids = {name: self.id_of(name) for name in COUNTS}
        self.wants(self.resources | {"a": nightly(3)})
        self.killed_by(Fault(method="POST", after=lambda _: self.stage.kill()))
        self.wants(self.resources)
        self.unlock()
        [left] = self.running() - set(self.ids.values())
        return left

    def goes_to(self, resources: dict[str, dict[str, Any]], *flags: str, verb: str = "up") -> StageResult:
        """The command with this program."""
        self.resources = resources
        self.wants(resources)
        return self.same_again(verb, flags)

    def again(self, verb: str, *flags: str) -> StageResult:
        """The command with the same program."""
        return self.same_again(verb, flags)

    def without(self, *names: str) -> dict[str, dict[str, Any]]:
        """The program without these resources."""
        return {name: args for name, args in self.resources.items() if name not in names}

    def urn(self, name: str) -> str:
        """The URN of the resource of this name."""
        return self.stage.urn(name)

    def id_of(self, name: str) -> str:
        """The id of the batch of this name in the state."""
        [found] = [one["batch_id"] for one in self.batches_of(name)]
        return str(found)

    def running(self) -> set[str]:
        """Every batch of the team of which a browser runs."""
        return {session.batch_id for session in self.sim.live_sessions()}

    def all_in_the_state_run(self) -> None:
        """Every batch that the state has runs, with every one of its browsers."""
        for resource in self._resources():
            batch = self.sim.batches[resource["id"]]
            assert len(batch.running()) == resource["outputs"]["count"], resource["urn"]

    def beside(self, stack: str) -> KillableStage:
        """Another stack of the same project on the same machine: its own settings, the same backend and receipts."""
        return self.stage.beside(stack)

    def ends(self, stacks: Sequence[WantedStack] = ()) -> None:
        """After the destroy of all stacks nothing runs, and none is left in a state."""
        for stack in (self, *stacks):
            stack.again("destroy")
            assert stack.names() == set()
        assert self.running() == set()


def settings_of(resources: dict[str, dict[str, Any]]) -> str:
    """The config value that makes these resources."""
    return json.dumps(resources)


__all__ = ["COUNTS", "NIGHTLY", "OURS", "WantedStack", "nightly", "settings_of"]
