"""A Python program over the plugin: the names of Python outside, the account of an explicit provider."""

from __future__ import annotations

from native.plugin_stack import PluginStack
from scenarios.one_stack import OTHER_KEY

from pulumi_anchorbrowser.simulator import Simulator

PROGRAM = """
import os
import pulumi
from pulumi_anchorbrowser.native import Batch, BatchReady, Provider


class OurBatch(Batch):
    pass


theirs = Provider(
    "theirs", api_key=os.environ["THEIR_KEY"], base_url=os.environ["THEIR_URL"], max_retries=2, poll_interval=0.2
)
of_theirs = pulumi.ResourceOptions(provider=theirs)
configuration = {"session": {"timeout": {"max_duration": 20}}, "integrations": []}
browsers = OurBatch("browsers", count=2, configuration=configuration, metadata={"aKey": 1}, opts=of_theirs)
ready = BatchReady("ready", batch_id=browsers.batch_id, record_sessions=True, opts=of_theirs)
pulumi.export("live", ready.live_status)
pulumi.export("configuration", browsers.configuration)
pulumi.export("metadata", browsers.metadata)
pulumi.export("ids", ready.sessions.apply(lambda sessions: [one["session_id"] for one in sessions]))
"""


PLAIN = """
from pulumi_anchorbrowser.native import Batch

Batch("browsers", count=2)
"""


def test_a_python_program_has_pythons_names_and_the_account_of_its_provider(stack: PluginStack, sim: Simulator) -> None:
    stack.stage.env.pop("ANCHORBROWSER_API_KEY")
    stack.stage.env.update(THEIR_KEY=OTHER_KEY, THEIR_URL=sim.url)
    stack.stage.write_python(PROGRAM)
    outputs = stack.up().outputs
    assert outputs["live"] == "completed"
    assert outputs["configuration"] == {"session": {"timeout": {"max_duration": 20}}, "integrations": []}
    assert outputs["metadata"] == {"aKey": 1}
    assert sorted(outputs["ids"]) == sorted(session.session_id for session in sim.live_sessions())
    assert {session.team for session in sim.live_sessions()} == {"another-team"}
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert {request.team for request in stack.requests} == {"another-team"}


def test_a_saved_plan_of_a_python_program_starts_a_batch(stack: PluginStack, sim: Simulator) -> None:
    stack.stage.write_python(PLAIN)
    plan = str(stack.stage.project_dir / "plan.json")
    stack.stage.preview(flags=["--save-plan", plan])
    assert stack.stage.up(flags=["--plan", plan]).changes == {"create": 1}
    assert len(sim.live_sessions()) == 2
    assert stack.has_nothing_to_do()
    stack.destroy()
