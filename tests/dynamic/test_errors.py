"""What users see of an error: one class, one line, and no traceback in a program."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from pulumi_anchorbrowser import Batch, BatchCleanup
from pulumi_anchorbrowser.clock import Interrupted
from pulumi_anchorbrowser.dynamic.errors import AnchorBrowserError, expected_errors_in_one_line
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.rehearsal import Rehearsal
from pulumi_anchorbrowser.simulator import Simulator

TOO_LARGE = 2**53 + 1


class Anchored(ExpectedError):
    """An error with a place in the documentation."""

    anchor = "somewhere"
    advice = "Do\nthis."


def test_an_expected_error_becomes_one_line_with_its_advice_and_its_link() -> None:
    with pytest.raises(AnchorBrowserError) as caught, expected_errors_in_one_line():
        raise Anchored("It broke.")
    assert str(caught.value) == "It broke. Do this. Explained by `pulumi-anchorbrowser explain somewhere`."
    assert caught.value.__cause__ is None


def test_an_interruption_becomes_one_line() -> None:
    with pytest.raises(AnchorBrowserError, match=r"^Interrupted\."), expected_errors_in_one_line():
        raise Interrupted


def test_any_other_error_stays_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), expected_errors_in_one_line():
        _ = 1 / 0


def test_the_error_ends_a_program_without_a_traceback() -> None:
    assert issubclass(AnchorBrowserError, pulumi.RunError)


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"metadata": {"run": TOO_LARGE}}, "metadata.run"),
        ({"metadata": {"runs": [1, {"id": -TOO_LARGE}]}}, "metadata.runs.1.id"),
        ({"configuration": {"integrations": [{"configuration": {"account": TOO_LARGE}}]}},
         "configuration.integrations.0.configuration.account"),
    ],
)  # fmt: skip
def test_an_integer_that_the_engine_would_change_is_refused_in_the_constructor(
    inputs: dict[str, Any], path: str
) -> None:
    with pytest.raises(AnchorBrowserError) as caught:
        Batch("crawl", count=1, **inputs)
    assert str(caught.value).startswith(f"Batch 'crawl': {path} must not be an integer beyond 2^53")
    assert str(TOO_LARGE) in str(caught.value)


def test_so_is_one_among_the_triggers_of_a_cleanup_whose_change_would_go_unseen() -> None:
    with pytest.raises(AnchorBrowserError) as caught:
        BatchCleanup("leftovers", select={"tags": ["t"]}, triggers=["a", {"run": TOO_LARGE}])
    assert str(caught.value).startswith("BatchCleanup 'leftovers': triggers.1.run must not be an integer beyond 2^53")


def test_the_largest_integer_that_the_engine_keeps_arrives_at_the_api(sim: Simulator, config: dict[str, str]) -> None:
    metadata = {"run": 2**53, "exact": True, "ratio": 0.5}
    with Rehearsal(lambda: Batch("crawl", count=1, metadata=metadata), config=config) as stage:
        stage.up()
    assert sim.requests_of("POST")[0].body["metadata"] == metadata
