"""What the pages state in words and tables is what the code has."""

from __future__ import annotations

import dataclasses
import re
from importlib.metadata import entry_points
from typing import get_args

from docs.pages import DOCS, ROOT

from pulumi_anchorbrowser import ExcludeArgs, ReadySession, SelectArgs
from pulumi_anchorbrowser.api import BatchSession, BatchSummary
from pulumi_anchorbrowser.cleanup import DEFAULTS
from pulumi_anchorbrowser.cleanup.matching import Reason
from pulumi_anchorbrowser.cleanup.report import CleanupOutcome
from pulumi_anchorbrowser.cli.doctor import OLDEST_SDK
from pulumi_anchorbrowser.lifecycle.tags import PROTECT_TAG, with_tags
from pulumi_anchorbrowser.lifecycle.waiting import Reached, ReadyInputs
from pulumi_anchorbrowser.receipts import Ending, Receipt, Subject
from pulumi_anchorbrowser.receipts.report import ReceiptsReport
from pulumi_anchorbrowser.rehearsal import Rehearsal
from pulumi_anchorbrowser.simulator import Simulator

README = (ROOT / "README.md").read_text(encoding="utf-8")
ID = "6e019235-bc0d-43f2-b13e-a5ea2acec607"
# Of a receipt, these are in the file alone.
NOT_SHOWN = {"id", "subject", "ended", "lost"}


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def first_cells(text: str) -> set[str]:
    """Return the names in the first column of the tables of a text."""
    cells = re.findall(r"^\|([^|]+)\|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} | {cell.strip() for cell in cells}


def test_the_package_installs_the_commands_that_the_readme_names() -> None:
    commands = entry_points(group="console_scripts")
    ours = {one.name for one in commands if one.value.startswith("pulumi_anchorbrowser")}
    assert ours == {"pulumi-anchorbrowser", "pulumi-resource-anchorbrowser"}
    assert [name for name in ours if f"`{name}`" not in README and f"$ {name}" not in README] == []


def test_the_readme_names_the_oldest_pulumi_that_doctor_accepts() -> None:
    assert f"Pulumi {'.'.join(map(str, OLDEST_SDK))} and newer" in README


def test_the_fields_of_a_recorded_session_are_those_of_its_class() -> None:
    reached = Reached(BatchSummary(batch_id=ID, status="completed"), retried_sessions=None)
    outputs = reached.outputs(ReadyInputs(batch_id=ID), [BatchSession(session_id=ID)])
    [recorded] = outputs["sessions"]
    assert recorded.keys() == ReadySession.__annotations__.keys()


def test_the_glossary_names_the_tags_that_a_create_sends() -> None:
    sent = with_tags(None, "acme/shop/dev", "c1a1")["session"]["tags"]
    glossary = page("glossary.md")
    for tag in sent:
        if ":" in tag:
            assert f"`{tag.partition(':')[0]}:…`" in glossary
    assert f"`{PROTECT_TAG}`" in glossary


def test_the_page_on_receipts_has_every_field_every_outcome_and_every_total() -> None:
    listed = first_cells(page("receipts.md"))
    fields = {field.name for kind in (Receipt, Subject) for field in dataclasses.fields(kind)}
    assert fields - NOT_SHOWN - listed == set()
    assert set(get_args(Ending)) - listed == set()
    assert ReceiptsReport([]).totals().keys() - listed == set()


def test_the_page_on_cleaning_up_has_every_criterion_option_reason_and_outcome() -> None:
    listed = first_cells(page("cleanup.md"))
    assert SelectArgs.__annotations__.keys() - listed == set()
    assert DEFAULTS.keys() - {"when"} - listed == set()
    assert set(get_args(CleanupOutcome)) - listed == set()
    # The others are of what was never there, or could not be read.
    assert set(get_args(Reason)) - {"unreadable", "stopped", "unknown"} - listed == set()
    for name in ExcludeArgs.__annotations__:
        assert f"`{name}`" in page("cleanup.md")


def test_the_page_on_tests_names_what_the_simulator_and_a_rehearsal_have() -> None:
    named = set(re.findall(r"\b(api|stack)\.(\w+)", page("testing.md")))
    assert len(named) > 12
    with Simulator() as api, Rehearsal(lambda: None) as stack:
        have = {"api": api, "stack": stack}
        assert [(owner, name) for owner, name in sorted(named) if not hasattr(have[owner], name)] == []
