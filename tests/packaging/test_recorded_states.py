"""The states that this release has recorded for the releases to come are those that its wheel makes."""

from __future__ import annotations

import json

import pytest
from clean_environments import CleanEnvironment
from stages import EngineStage
from upgrades.old_states import RECORDINGS, Recording, resources_of
from upgrades.record_state import recorded

from pulumi_anchorbrowser import __version__

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def names_of_properties(text: str, recording: Recording) -> dict[str, list[list[str]]]:
    """The names of the inputs and of the outputs of each resource in the text of a state."""
    resources = resources_of(json.loads(text), recording.binding)
    return {one["urn"].rpartition("::")[2]: [sorted(one["inputs"]), sorted(one["outputs"])] for one in resources}


@pytest.mark.parametrize("recording", [one for one in RECORDINGS if one.release == __version__], ids=str)
def test_the_wheel_of_this_release_still_makes_the_state_that_is_recorded_of_it(
    recording: Recording, engine_stage: EngineStage, base: CleanEnvironment
) -> None:
    made = recorded(recording, engine_stage, base)
    assert names_of_properties(made, recording) == names_of_properties(recording.text, recording)
