"""A stack whose batches are wanted, with what an interrupted create of it has left, and a cleanup that they match."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crashes.killed_runs import KillableStage
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
        self.with_cleanup = with_cleanup
        self.resources: dict[str, dict[str, Any]] = {name: nightly(count) for name, count in COUNTS.items()}
        if with_cleanup:
            self.resources |= CLEANUP
        self.ids: dict[str, str] = {}

    def begin(self) -> str:
        """Start the batches, then kill a replacement of `a`, which is taken back. The id of what that left."""
        self.starts()
        self.wants(self.resources | {"a": self.resources["a"] | {"count": 3}})
        self.killed_by(Fault(method="POST", after=lambda _: self.stage.kill()))
        self.sim.faults.clear()
        self.wants(self.resources)
        self.unlock()
        [left] = self.running() - self.known_ids()
        return left

    def starts(self) -> None:
        """Start the batches of the program."""
        self.goes_to(self.resources)
        self.ids = {name: self.id_of(name) for name in COUNTS if name in self.resources}

    def goes_to(self, resources: dict[str, dict[str, Any]], *flags: str) -> StageResult:
        """`up` with this program from now on."""
        self.resources = resources
        self.wants(resources)
        return self.same_again("up", flags)

    def without(self, *names: str) -> dict[str, dict[str, Any]]:
        """The program without these resources."""
        return {name: args for name, args in self.resources.items() if name not in names}

    def urn(self, name: str) -> str:
        """The URN of the resource of this name."""
        return self.stage.urn(name)

    def id_of(self, name: str) -> str:
        """The id of the batch of this name in the state."""
        return str(self.stage.resource_outputs(name)["batch_id"])

    def running(self) -> set[str]:
        """Every batch of the team of which a browser runs or will run, whichever stack started it."""
        return {session.batch_id for session in self.sim.live_sessions()}

    def still_has(self, *names: str) -> None:
        """The state has these batches as they were started, and every one of their browsers runs."""
        for name in names:
            assert self.id_of(name) == self.ids[name]
            assert self.is_whole(self.ids[name]), name

    def is_whole(self, batch_id: str) -> bool:
        """Whether every browser of the batch runs."""
        batch = self.sim.batches[batch_id]
        return len(batch.running()) == batch.plan.count

    def everything_that_runs_is_in_the_state(self) -> None:
        """What runs is what the state has, and every browser of it runs."""
        assert self.running() == self.known_ids()
        assert all(map(self.is_whole, self.known_ids()))

    def ends(self) -> None:
        """After the destroy nothing of the team runs."""
        self.same_again("destroy")
        assert self.names() == self.running() == set()

    def beside(self, stack: str) -> WantedStack:
        """Another stack of the same program on the same machine."""
        return WantedStack(self.stage.beside(stack), self.sim, self.receipts, with_cleanup=self.with_cleanup)
