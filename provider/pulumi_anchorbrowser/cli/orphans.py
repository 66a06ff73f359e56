"""`pulumi-anchorbrowser orphans`: batches of a stack that its state does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from pulumi_anchorbrowser.cli.changing import Change, Manner, change, change_options, looking, planned
from pulumi_anchorbrowser.cli.connection import Connection, connected
from pulumi_anchorbrowser.cli.exits import ExitCode, Failed, end
from pulumi_anchorbrowser.cli.options import OWNER, batch_id, owner_name
from pulumi_anchorbrowser.cli.printing import Messages, age_in_words, json_option, print_json, print_note, print_table
from pulumi_anchorbrowser.words import batches

if TYPE_CHECKING:
    from pulumi_anchorbrowser.cleanup import Plan, PlannedBatch, Skipped
    from pulumi_anchorbrowser.lifecycle.claims import ClaimLook
    from pulumi_anchorbrowser.lifecycle.interrupted import InterruptedCreate
    from pulumi_anchorbrowser.lifecycle.state import StackState
    from pulumi_anchorbrowser.receipts import Receipt

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
_RUNNING = "A running `pulumi up` looks the same. Make sure none is in progress for this stack."
_ADVICE = "Name the stack with --stack and its project's folder with --cwd, or give an exported state with --state."
_CLEAR = "`pulumi refresh --clear-pending-creates` ends Pulumi's own warning about an interrupted create."
# interrupted: started by an interrupted create. unknown: it carries the stack's name and is not in its state.
OrphanKind = Literal["interrupted", "unknown"]


@dataclass(frozen=True)
class _Orphan:
    """A batch that the state does not have, and the interrupted create that started it, if one did."""

    batch: PlannedBatch
    create: InterruptedCreate | None

    @property
    def kind(self) -> OrphanKind:
        return "unknown" if self.create is None else "interrupted"

    def to_row(self) -> dict[str, Any]:
        batch, create = self.batch, self.create
        return {
            "kind": self.kind,
            "batch_id": batch.batch_id,
            "status": batch.status,
            "created_at": batch.created_at,
            "total_requests": batch.total_requests,
            "owner": batch.owner,
            "claim": batch.claim,
            "urn": create.urn if create else None,
            "found_in": _found_in(create) if create else [],
        }


@dataclass(frozen=True)
class _Found:
    """`creates` are the interrupted creates whose batch cannot be found.

    `running` is how many sessions of each run; None where that is not known.
    """

    orphans: tuple[_Orphan, ...]
    creates: tuple[InterruptedCreate, ...]
    skipped: tuple[Skipped, ...]
    running: dict[str, int | None]

    @property
    def is_whole(self) -> bool:
        """Whether every batch of this stack could be read."""
        return not any(one.kind == "unreadable" for one in self.skipped)

    def to_document(self) -> dict[str, Any]:
        return {
            "orphans": [one.to_row() for one in self.orphans],
            "claims": [
                {
                    "claim": one.claim,
                    "owner": one.owner,
                    "urn": one.urn,
                    "found_in": _found_in(one),
                    "running_sessions": self.running.get(one.claim, 0),
                }
                for one in self.creates
            ],
            "skipped": [asdict(one) for one in self.skipped],
        }

    def summary(self) -> str:
        interrupted = sum(one.kind == "interrupted" for one in self.orphans)
        return f"Found {batches(interrupted)} of interrupted creates, and {len(self.orphans) - interrupted} unknown"


def _found_in(create: InterruptedCreate) -> list[str]:
    return [*(["state"] if create.is_pending else []), *(["receipts"] if create.receipts else [])]


@click.command(short_help="Find batches of a stack that its state does not have.")
@click.argument("batch_ids", type=batch_id, nargs=-1, metavar="[BATCH_ID]...")
@click.option("--stack", metavar="STACK", help="The stack whose state to export.  [default: the selected one]")
@click.option("--cwd", type=_FOLDER, help="The folder of the Pulumi project.")
@click.option("--state", type=_FILE, help="Read an exported state from this file, and do not call the Pulumi CLI.")
@click.option("--owner", type=owner_name, metavar=OWNER, help="The stack's full name, if its state is empty.")
@click.option("--delete", "delete_them", is_flag=True, help="Delete the batches of interrupted creates.")
@click.option("--exit-code", is_flag=True, help="Exit with 6 if there are orphans.")
@change_options
@json_option
def orphans(
    batch_ids: tuple[str, ...],
    stack: str | None,
    cwd: Path | None,
    state: Path | None,
    owner: str | None,
    delete_them: bool,
    exit_code: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Find batches of a stack that its state does not have, and delete them on request.

    `interrupted`: the state's pending operations, or the receipts of this machine, name the create that started the
    batch; --delete deletes these. `unknown`: the batch carries this stack's name and is not in its state. Another
    stack of the same name may have the batch, so --delete needs its BATCH_ID.
    """
    if batch_ids and not delete_them:
        raise click.UsageError("BATCH_ID is for --delete.")
    if state and (stack or cwd):
        raise click.UsageError("--state reads a file, so --stack and --cwd have no effect. Leave them out.")
    with connected() as connection:
        # Before the state is read: a run that ends meanwhile puts its batches into a later one.
        in_progress = _claims_in_progress(connection.recorded())
        known = _state_of(state, stack, cwd)
        owners = _owners(known, owner, state, stack, cwd)
        with looking() as messages:
            found = _find(connection, known, owners, in_progress, messages)
        if not as_json:
            _print(found)
        done = _delete(connection, found, batch_ids, Manner(yes, dry_run, as_json)) if delete_them else None
    if as_json:
        print_json("orphans", owners=sorted(owners), **found.to_document(), change=done and done.to_document())
    code = ExitCode.ORPHANS_FOUND if exit_code and found.orphans else ExitCode.OK
    if done is not None:
        code = done.exit_code
    end(code if code or found.is_whole else ExitCode.SOME_FAILED)


def _state_of(place: Path | None, stack: str | None, cwd: Path | None) -> StackState:
    from pulumi_anchorbrowser.lifecycle.state import StateUnreadable, export, read_file

    try:
        return read_file(place) if place else export(stack, cwd)
    except StateUnreadable as error:
        raise Failed(f"{error.explanation}. {error.advice or _ADVICE}") from None


def _owners(
    known: StackState, owner: str | None, place: Path | None, stack: str | None, cwd: Path | None
) -> frozenset[str]:
    """Return whose batches to look for. Raises UsageError for a state of another stack, which has none of these."""
    from pulumi_anchorbrowser.exports import full_name

    owner = owner or (stack if _is_full(stack) else None)
    if owner is None and not known.owners:
        owner = None if place else full_name(stack, cwd)
        if not _is_full(owner):
            raise click.UsageError(
                f"The state is empty, so it does not name its stack: give --owner {OWNER} "
                "(the organization is `organization` on a DIY backend)."
            )
    if owner is None or owner in known.owners:
        return known.owners
    if known.stack not in {None, _name_in(owner)}:
        raise click.UsageError(f"This is the state of {known.stack}, not of {owner}.")
    return known.owners | {owner}


def _is_full(name: str | None) -> bool:
    return name is not None and name.count("/") == OWNER.count("/")


def _name_in(owner: str) -> str:
    """Return `project/stack` of a full name."""
    return owner.partition("/")[2]


# Finding


def _find(
    connection: Connection,
    known: StackState,
    owners: Collection[str],
    in_progress: frozenset[str],
    messages: Messages,
) -> _Found:
    receipts = connection.recorded()
    in_progress = (in_progress | _claims_in_progress(receipts)) - known.claims
    creates = _interrupted_creates(known, receipts, owners)
    creates = {claim: one for claim, one in creates.items() if claim not in in_progress}
    plans = [_plan(connection, messages, owner=owner) for owner in sorted(owners)]
    claims = {claim for plan in plans for batch in plan.batches for claim in batch.claims}
    # A batch that is skipped, or that carries another stack's name by now.
    looks = _look_for(connection, (one for claim, one in creates.items() if claim not in claims))
    others = {claim: look.batch_id for claim, look in looks.items() if look.batch_id is not None}
    listed = {one.batch_id for plan in plans for one in plan.batches}
    listed |= {one.id for plan in plans for one in plan.skipped}
    if unlisted := sorted({*others.values()} - listed - known.batch_ids):
        plans.append(_plan(connection, messages, batch_ids=unlisted))
    return _Found(
        tuple(
            _Orphan(batch, creates.get(batch.claim or ""))
            for plan in plans
            for batch in plan.batches
            if batch.batch_id not in known.batch_ids and batch.claim not in in_progress
        ),
        tuple(one for claim, one in creates.items() if claim not in claims and claim not in others),
        tuple(one for plan in plans for one in plan.skipped if one.batch_id not in known.batch_ids),
        {claim: look.sessions.still_running for claim, look in looks.items()},
    )


def _plan(connection: Connection, messages: Messages, **selection: Any) -> Plan:
    from pulumi_anchorbrowser.cleanup import Request, Selection

    return connection.cleanup.plan(Request(Selection(**selection)), messages)


def _look_for(connection: Connection, creates: Iterable[InterruptedCreate]) -> dict[str, ClaimLook]:
    """Return what a look for each of these creates has found, by its claim."""
    claims, since = connection.batches.runner.claims, connection.client.api_time()
    return {one.claim: claims.find(one.claim, count=one.count, since=since) for one in creates}


def _interrupted_creates(
    known: StackState, receipts: list[Receipt], owners: Collection[str]
) -> dict[str, InterruptedCreate]:
    """Return the interrupted creates of this stack by their claims."""
    from pulumi_anchorbrowser.lifecycle.interrupted import interrupted_creates, is_create_without_end, settled_claims

    unfinished = [one for one in receipts if is_create_without_end(one) and _is_of(one, known, owners)]
    creates = interrupted_creates(known, unfinished, settled_claims(receipts))
    return {one.claim: one for one in creates}


def _claims_in_progress(receipts: Iterable[Receipt]) -> frozenset[str]:
    """Return the claims of creates whose run goes on, on this machine: the state gets their batches later."""
    from pulumi_anchorbrowser.receipts import is_running

    mine = {one.subject.claim for one in receipts if one.operation == "create" and is_running(one.run)}
    return frozenset(mine - {""})


def _is_of(receipt: Receipt, known: StackState, owners: Collection[str]) -> bool:
    """Whether the create is one of this stack. Its owner alone does not say: a stack may have been renamed since."""
    from pulumi_anchorbrowser.urns import stack_of_urn

    owner = receipt.subject.owner
    names = {known.stack} if known.stack else {_name_in(one) for one in owners}
    stack = stack_of_urn(receipt.subject.urn, owner)
    return owner in owners and stack is not None and _name_in(stack) in names


# Deleting


def _delete(connection: Connection, found: _Found, batch_ids: tuple[str, ...], manner: Manner) -> Change:
    from pulumi_anchorbrowser.cleanup import Request, Selection

    others = sorted(set(batch_ids) - {one.batch.batch_id for one in found.orphans})
    if others:
        raise Failed(f"Nothing was done: not an orphan of this stack, or skipped: {', '.join(others)}.")
    chosen = [
        one for one in found.orphans if (one.batch.batch_id in batch_ids if batch_ids else one.kind == "interrupted")
    ]
    if any(one.kind == "interrupted" for one in chosen):
        print_note(_RUNNING)
    # By their ids, since they may carry the names of several stacks.
    request = Request(Selection(batch_ids=[one.batch.batch_id for one in chosen]))
    done = change(connection, planned(connection, request), manner, frozenset(batch_ids))
    # Unconfirmed, which was warned of, it is looked for again by a later run.
    stopped = {
        one.batch_id for one in done.report.results if one.outcome in {"done", "gone"} and one.still_running == 0
    }
    _settle(connection, [one for one in chosen if one.batch.batch_id in stopped])
    return done


def _settle(connection: Connection, orphans: list[_Orphan]) -> None:
    """Write down that these creates are settled, so that no later run looks for their batches."""
    from pulumi_anchorbrowser.receipts import ReceiptsUnavailable

    try:
        for orphan in orphans:
            for receipt in orphan.create.receipts if orphan.create else ():
                note = "deleted as an orphan"
                connection.receipts.end(receipt.id, "settled", batch_id=orphan.batch.batch_id, note=note)
    except ReceiptsUnavailable as error:
        Messages().warning(str(error))
    if any(orphan.create and orphan.create.is_pending for orphan in orphans):
        print_note(_CLEAR)


# Printing


def _print(found: _Found) -> None:
    if found.orphans:
        print_table(
            ("BATCH", "STATUS", "AGE", "SESSIONS", "KIND", "FOUND IN", "RESOURCE", "CLAIM"), map(_cells, found.orphans)
        )
    if found.creates:
        click.echo(
            "Interrupted creates whose batch cannot be found: none was started, it shows no session yet, or it is not "
            "listed."
        )
        rows = [
            (one.claim, one.name, ", ".join(_found_in(one)), found.running.get(one.claim, 0)) for one in found.creates
        ]
        print_table(("CLAIM", "RESOURCE", "FOUND IN", "RUNNING"), rows)
    if found.skipped:
        click.echo("Not in the state either, and skipped:")
        print_table(("BATCH", "STATUS", "WHY"), [(one.batch_id, one.status, one.reason) for one in found.skipped])
    click.echo(found.summary())
    if any(found.running.get(one.claim, 0) != 0 for one in found.creates):
        print_note(
            "Sessions run, or may run, whose batch is not listed. End them by their claim: "
            "pulumi-anchorbrowser sweep --owner any --what sessions --tag pulumi-claim:CLAIM."
        )
    if any(one.kind == "unknown" for one in found.orphans):
        print_note(
            "Another stack of this name may have the unknown batches. Delete a batch by its id: "
            "pulumi-anchorbrowser orphans --delete BATCH_ID."
        )


def _cells(orphan: _Orphan) -> tuple[object, ...]:
    batch, create = orphan.batch, orphan.create
    found_in, resource = (", ".join(_found_in(create)), create.name) if create else (None, None)
    age = age_in_words(batch.created_at)
    return batch.batch_id, batch.status, age, batch.total_requests, orphan.kind, found_in, resource, batch.claim
