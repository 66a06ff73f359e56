"""What earlier releases have recorded is previewed without a change, refreshed without one, and destroyed."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from stages import EngineStage, RehearsalStage, standing_api
from stages.base import SECRET, SIGNATURE
from upgrades.old_states import KEY, RECORDED, RECORDINGS, RELEASES, TYPES, OldState, Recording, fill_in, load

from pulumi_anchorbrowser import __version__
from pulumi_anchorbrowser.dynamic.providers import BatchCleanupProvider, BatchProvider, BatchReadyProvider
from pulumi_anchorbrowser.lifecycle import DEFAULTS
from pulumi_anchorbrowser.simulator import Simulator

PASSWORD = "the-password-of-the-proxy"
PROVIDERS = {"Batch": BatchProvider, "BatchCleanup": BatchCleanupProvider, "BatchReady": BatchReadyProvider}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with standing_api({KEY: "team"}) as running:
        yield running


@pytest.fixture(params=RECORDINGS, ids=str)
def old(request: pytest.FixtureRequest, sim: Simulator) -> OldState:
    return fill_in(request.param, sim)


@pytest.fixture
def rehearsed(request: pytest.FixtureRequest, old: OldState, sim: Simulator) -> RehearsalStage:
    """A rehearsal that has the old state."""
    kind = "native" if old.recording.binding == "native" else "rehearsal"
    stage: RehearsalStage = request.getfixturevalue(f"{kind}_stage")
    load(stage, old, sim)
    return stage


def changed(sim: Simulator) -> list[str]:
    """The calls since the log was emptied that can change something."""
    return [f"{one.method} {one.path.removeprefix('/v1/')}" for one in sim.requests if one.method != "GET"]


def browsers_of_the_adopted(old: OldState, sim: Simulator) -> list[str]:
    batch = sim.batches[old.batches["adopted"]]
    return [f"DELETE sessions/{batch.session_id(index)}" for index in range(2)]


def is_right_for_a_destroy(calls: list[str], old: OldState, sim: Simulator) -> bool:
    """Whether these are exactly the calls that the recorded resources ask for, the deleted one and the wait none."""
    batches = [f"DELETE batch-sessions/{old.batches[name]}" for name in ("active", "cancelled")]
    return sorted(calls) == sorted([*batches, *browsers_of_the_adopted(old, sim)])


def test_this_release_or_one_before_it_has_recorded_its_state() -> None:
    def numbers(release: str) -> list[int]:
        return [int(number) for number in release.split(".")]

    assert RELEASES
    assert max(map(numbers, RELEASES)) <= numbers(__version__)
    # A wire format is new at the first release of each minor version at the latest.
    assert numbers(__version__)[:2] in [numbers(release)[:2] for release in RELEASES]


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_a_recorded_state_tells_nothing_of_the_machine_it_was_made_on(recording: Recording) -> None:
    text = recording.text + recording.program
    for telling in ("sourcePosition", "stackTrace", "site-packages", str(Path.home()) + "/", "127.0.0.1"):
        assert telling not in text
    for name in ("@base_url@", "@active@", "@cancelled@", "@deleted@", "@adopted@"):
        assert name in text


@pytest.mark.parametrize("old", [one for one in RECORDINGS if one.binding == "dynamic"], indirect=True, ids=str)
def test_every_recorded_provider_still_loads_by_its_literal_name(old: OldState) -> None:
    found = set()
    for resource in old.resources:
        for properties in (resource["inputs"], resource["outputs"]):
            payload = properties["__provider"]
            assert len(payload) < 200  # a name, no code
            provider = pickle.loads(base64.b64decode(payload))  # noqa: S301  # as the provider host does
            kind = resource["type"].rpartition(":")[2]
            assert type(provider) is PROVIDERS[kind]
            found.add(kind)
    assert found == set(PROVIDERS)


def test_every_recorded_type_and_id_is_what_it_was(old: OldState) -> None:
    kinds = {resource["urn"].rpartition("::")[2]: (resource["type"], resource["id"]) for resource in old.resources}
    prefix = TYPES[old.recording.binding]
    assert kinds == {
        **{name: (f"{prefix}Batch", batch_id) for name, batch_id in old.batches.items()},
        "leftovers": (f"{prefix}BatchCleanup", kinds["leftovers"][1]),
        "ready": (f"{prefix}BatchReady", f"{old.batches['active']}-ready"),
    }


def test_a_rehearsed_old_state_is_kept_as_it_is_and_destroyed(
    rehearsed: RehearsalStage, old: OldState, sim: Simulator
) -> None:
    before = rehearsed.rehearsal.resources
    result = rehearsed.up()
    assert (result.changes, sim.requests) == ({}, [])
    assert result.operations["same"] == len(old.resources)
    after = rehearsed.rehearsal.resources
    assert after.keys() == before.keys()
    for urn, resource in after.items():
        assert (resource.id, resource.outputs) == (before[urn].id, before[urn].outputs)
        # The defaults that an earlier version has filled in need no place among the inputs.
        filled_in = {name: value for name, value in before[urn].inputs.items() if name not in resource.inputs}
        assert resource.inputs | filled_in == before[urn].inputs
        assert filled_in.items() <= DEFAULTS.items()

    rehearsed.refresh()
    assert changed(sim) == []
    sim.clear_requests()
    assert (rehearsed.up().changes, sim.requests) == ({}, [])

    rehearsed.destroy()
    assert rehearsed.export()["deployment"]["resources"] == []
    assert is_right_for_a_destroy(changed(sim), old, sim)
    assert sim.live_sessions() == []


def test_a_rehearsed_old_state_is_destroyed_without_its_program(
    rehearsed: RehearsalStage, old: OldState, sim: Simulator
) -> None:
    rehearsed.write_program("raise RuntimeError('the program is not run by a destroy')")
    rehearsed.destroy()
    assert is_right_for_a_destroy(changed(sim), old, sim)
    assert sim.live_sessions() == []


def test_a_change_of_an_old_resource_is_an_update_in_place(
    rehearsed: RehearsalStage, old: OldState, sim: Simulator
) -> None:
    active = 'Batch("active", count=3, '
    assert active in old.recording.program
    rehearsed.write_program(old.recording.program.replace(active, active + 'status="deleted", '))
    assert rehearsed.up().changes == {"update": 1}
    assert changed(sim) == [f"DELETE batch-sessions/{old.batches['active']}"]
    outputs = rehearsed.resource_outputs("active")
    assert (outputs["deleted_sessions"], outputs["live_status"]) == (3, "deleted")


@pytest.mark.engine_decides
def test_an_imported_old_state_is_previewed_without_a_change_and_destroyed(
    engine_stage: EngineStage, old: OldState, sim: Simulator
) -> None:
    load(engine_stage, old, sim)
    assert engine_stage.preview(flags=["--expect-no-changes"]).changes == {}
    assert sim.requests == []

    engine_stage.refresh()
    assert changed(sim) == []
    sim.clear_requests()
    assert engine_stage.preview(flags=["--expect-no-changes"]).changes == {}
    assert sim.requests == []

    engine_stage.write_program("raise RuntimeError('the program is not run by a destroy')")
    result = engine_stage.destroy()
    assert is_right_for_a_destroy(changed(sim), old, sim)
    assert not engine_stage.export()["deployment"].get("resources")
    assert sim.live_sessions() == []
    assert f"deleted batch {old.batches['active']}: 3 sessions deleted, 0 failed" in result.messages("info")


def test_secrets_of_an_imported_old_state_stay_secret(engine_stage: EngineStage, old: OldState, sim: Simulator) -> None:
    load(engine_stage, old, sim)
    assert engine_stage.up().changes == {}
    exported = engine_stage.export()
    assert PASSWORD not in str(exported)
    assert "sessionId=" not in str(exported)
    shown = engine_stage.export(show_secrets=True)
    assert PASSWORD in str(shown)
    outputs = {
        r["urn"].rpartition("::")[2]: r["outputs"] for r in exported["deployment"]["resources"] if "outputs" in r
    }
    assert outputs["ready"]["sessions"][SIGNATURE] == SECRET
    assert outputs["active"]["configuration"]["session"]["proxy"]["password"][SIGNATURE] == SECRET


def test_the_recordings_are_explained() -> None:
    assert "record_state.py" in (RECORDED / "README.md").read_text(encoding="utf-8")
