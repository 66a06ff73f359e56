"""Two machines run the same stack, whose state is in PostgreSQL: one works, the other is locked out, and takes over."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from scenarios.one_stack import KEY
from stages import Command, StageResult
from teams.machines import Machine
from teams.postgres import LOCKS, PASSWORD, USER, Database

from pulumi_anchorbrowser.simulator import Fault, Simulator

TWO_BATCHES = {"few": {"count": 2}, "many": {"count": 3}}
LOCKED = "the stack is currently locked by 1 lock(s)"
OWNER_TAG = "pulumi-owner:organization/demo/dev"


@contextmanager
def held(machine: Machine, sim: Simulator, calls: int) -> Iterator[Command]:
    """An `up` that waits for the answers to all of its creates, and gets them when the block ends."""
    arrived, released = threading.Semaphore(0), threading.Event()

    def hold(_: object) -> None:
        arrived.release()
        released.wait(200)

    sim.faults.add(Fault(method="POST", times=calls, before=hold))
    command = machine.stage.start("up")
    try:
        for _ in range(calls):
            assert arrived.acquire(timeout=100), command.text
        yield command
    finally:
        released.set()


def ended(machine: Machine, verb: str) -> StageResult:
    """The command, whatever comes of it, and with the lock as it is."""
    return machine.stage.finished(machine.stage.start(verb))


def deleted_by_receipts(machine: Machine) -> dict[str, int]:
    """How many sessions of each batch this machine has deleted, by its own receipts."""
    with sqlite3.connect(machine.receipts) as receipts:
        rows = receipts.execute("SELECT batch_id, deleted_sessions FROM receipts WHERE operation = 'delete'")
        return dict(rows.fetchall())


def test_one_is_locked_out_and_later_destroys_what_the_other_made(
    machines: tuple[Machine, Machine], sim: Simulator, postgres: Database
) -> None:
    first, second = machines
    first.wants(TWO_BATCHES)
    second.join(first)
    with held(first, sim, calls=2) as command:
        assert len(postgres.keys(LOCKS)) == 1
        before = len(sim.requests)
        for verb in ("up", "destroy"):
            refused = ended(second, verb)
            assert refused.failed
            assert LOCKED in refused.text
            assert f"(pid {command.popen.pid})" in refused.text
            assert "pulumi cancel" in refused.text
            assert "postgres://****:****@" in refused.text
            assert PASSWORD not in refused.text
        # A preview takes no lock, and waits for none.
        assert second.stage.preview().changes == {"create": 2}
        assert len(sim.requests) == before == 2
    done = first.stage.finished(command)
    assert not done.failed, done.text
    assert postgres.keys(LOCKS) == []
    counts = {batch.id: len(batch.running()) for batch in sim.batches.values()}
    assert sorted(counts.values()) == [2, 3]
    assert {session.batch_id for session in sim.live_sessions(OWNER_TAG)} == set(counts)

    assert second.same_again("up").changes == {}
    assert sim.requests == []
    result = second.same_again("destroy")
    assert sorted(second.calls) == sorted(f"DELETE {batch}" for batch in counts)
    assert sim.live_sessions() == []
    assert deleted_by_receipts(second) == counts
    assert deleted_by_receipts(first) == {}
    said = "\n".join(result.messages("info"))
    assert all(f"deleted batch {batch}: {count} sessions deleted, 0 failed" in said for batch, count in counts.items())


def test_the_stack_is_one_of_the_organization_that_every_backend_of_ones_own_has(
    machines: tuple[Machine, Machine], postgres: Database
) -> None:
    first, _ = machines
    first.wants({"few": {"count": 2}})
    first.same_again("up")
    assert first.stage.resource_outputs("few")["owner"] == "organization/demo/dev"
    assert [key for key in postgres.keys("/.pulumi/stacks/") if key.endswith("/demo/dev.json")]
    found = first.run_tool("orphans", "--stack", "dev", "--exit-code")
    assert found.code == 0, found.err
    first.last_destroy()


def test_a_key_in_the_config_is_in_the_database_only_encrypted_and_opens_with_the_passphrase(
    machines: tuple[Machine, Machine], sim: Simulator, postgres: Database
) -> None:
    first, second = machines
    for machine in machines:
        machine.stage.env.pop("ANCHORBROWSER_API_KEY")
    first.stage.set_secret("anchorbrowser:apiKey", KEY)
    first.wants({"few": {"count": 2}})
    first.same_again("up")
    [batch] = sim.batches
    stored = postgres.content()
    assert batch.encode() in stored
    assert KEY.encode() not in stored

    second.join(first)
    sim.clear_requests()
    second.stage.env["PULUMI_CONFIG_PASSPHRASE"] = "another one"
    refused = ended(second, "destroy")
    assert refused.failed
    assert "incorrect passphrase" in refused.text
    assert sim.requests == []
    assert postgres.keys(LOCKS) == []
    del second.stage.env["PULUMI_CONFIG_PASSPHRASE"]
    second.last_destroy()


def test_the_password_of_the_database_can_stay_out_of_the_address(
    machines: tuple[Machine, Machine], postgres: Database
) -> None:
    first, second = machines
    for machine in machines:
        machine.stage.env.update(PULUMI_BACKEND_URL=postgres.bare_url, PGUSER=USER, PGPASSWORD=PASSWORD)
    first.wants({"few": {"count": 2}})
    first.same_again("up")
    second.join(first)
    second.last_destroy()
