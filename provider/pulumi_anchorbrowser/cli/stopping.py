"""What `cancel` and `delete` have in common: batches that are named by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi_anchorbrowser.cli.changing import Manner, change
from pulumi_anchorbrowser.cli.connection import Connection, connected
from pulumi_anchorbrowser.cli.exits import end
from pulumi_anchorbrowser.cli.printing import Speech, print_json

if TYPE_CHECKING:
    from pulumi_anchorbrowser.choices import Action
    from pulumi_anchorbrowser.lifecycle.cleanup import LeftAlone, Plan, PlannedBatch

# What --force overrules: a tag that protects, and not knowing whether there is one.
_FORCED = frozenset({"protected", "undecided"})


def stop_named(action: Action, batch_ids: Sequence[str], manner: Manner, *, force: bool) -> None:
    """Plan, ask and do this to these batches, and end the command."""
    from pulumi_anchorbrowser.lifecycle.cleanup import Request, Selection

    with connected() as connection:
        request = Request(Selection(batch_ids=list(batch_ids)), action)
        plan = connection.cleanup.plan(request, Speech())
        if force:
            plan = _forced(connection, plan)
        done = change(connection, plan, manner, frozenset(batch_ids))
    if manner.as_json:
        print_json(action, **done.to_document())
    end(done.exit_code)


def _forced(connection: Connection, plan: Plan) -> Plan:
    forced = [left for left in plan.left_alone if left.kind in _FORCED]
    batches = (*plan.batches, *(_planned(connection, plan.action, left) for left in forced))
    return replace(plan, batches=batches, left_alone=tuple(one for one in plan.left_alone if one not in forced))


def _planned(connection: Connection, action: Action, left: LeftAlone) -> PlannedBatch:
    from pulumi_anchorbrowser.lifecycle.cleanup import PlannedBatch

    batch = connection.client.get_batch(left.batch_id)
    creates = [r.subject for r in connection.recorded() if r.operation == "create"]
    subject = next((one for one in creates if one.batch_id == left.batch_id), None)
    return PlannedBatch(
        left.batch_id,
        action,
        batch.status,
        batch.created_at,
        batch.total_requests,
        subject.owner if subject else None,
        subject.claim if subject else None,
    )
