"""docs/troubleshooting.md: every error that a user can meet has an entry, which its line names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from docs.pages import DOCS
from docs.test_site import anchors_of

# Every room that defines errors, so that all of them are known.
import pulumi_anchorbrowser.dynamic.batch_cleanup_operations
import pulumi_anchorbrowser.dynamic.teardown_hook
from pulumi_anchorbrowser.api import ApiError, errors, failures
from pulumi_anchorbrowser.lifecycle import LifecycleError, advice, waiting
from pulumi_anchorbrowser.lifecycle.cleanup import errors as cleanup_errors
from pulumi_anchorbrowser.lifecycle.errors import (
    AnotherAccount,
    CancelRefused,
    DeletionIncomplete,
    NotAdopted,
    NotReady,
    OutcomeUnknown,
    SessionsNotEnded,
)
from pulumi_anchorbrowser.lifecycle.recording import CreateStopped
from pulumi_anchorbrowser.lifecycle.settings import Settings, UnusableSetting, refuse_misspelt
from pulumi_anchorbrowser.receipts import ReceiptsUnavailable

PAGE = DOCS / "troubleshooting.md"
TEXT = PAGE.read_text(encoding="utf-8")
SOURCES = Path(pulumi_anchorbrowser.__file__).parent
BROKEN = [("one", "HTTP 500"), ("another", "HTTP 500")]


def kinds(*bases: type[Exception]) -> Iterator[type[Exception]]:
    """The classes that are raised: those that no other one is made of."""
    for base in bases:
        below = base.__subclasses__()
        yield from kinds(*below) if below else [base]


def settings_error() -> UnusableSetting:
    with pytest.raises(UnusableSetting) as caught:
        Settings.read(lambda _: None, {"ANCHORBROWSER_MAX_RETRIES": "many"})
    return caught.value


def misspelt() -> UnusableSetting:
    with pytest.raises(UnusableSetting) as caught:
        refuse_misspelt(["anchorbrowser:basUrl"])
    return caught.value


STATUSES = (302, 400, 401, 402, 403, 404, 409, 429, 503)
ERRORS: list[Exception] = [
    *(errors.for_status("read batch b", status) for status in STATUSES),
    failures.transport_error("read batch b", requests.exceptions.InvalidURL("no host")),
    failures.transport_error("read batch b", requests.ConnectTimeout()),
    failures.transport_error("read batch b", requests.ReadTimeout()),
    OutcomeUnknown("HTTP 502", "pulumi-claim:c", looked_for=60, next_run_looks=True),
    AnotherAccount("b", "https://a.example", "https://b.example", "code"),
    DeletionIncomplete("b", BROKEN, 2),
    SessionsNotEnded("b", BROKEN, 2),
    CancelRefused("b", "HTTP 409", "the batch is completed"),
    NotAdopted("b", "HTTP 404", "Check the id."),
    NotReady(waiting._too_late("b", None, waiting.Goal(None, 60, 0))),  # noqa: SLF001
    CreateStopped("Nothing was started: the receipts cannot be used; then run again."),
    settings_error(),
    misspelt(),
    cleanup_errors.MatchesEverything(),
    cleanup_errors.NoSuchOwner(),
    cleanup_errors.TooMany(120, 100),
    cleanup_errors.CleanupIncomplete([{"batch_id": one, "reason": why} for one, why in BROKEN], 3),
    ReceiptsUnavailable(Path("receipts.sqlite3"), "disk full"),
]


def entry(name: str) -> str:
    """What stands under a heading."""
    found = re.search(rf"(?ims)^### {name.replace('-', ' ')}\n(.*?)(?=^##|\Z)", TEXT)
    assert found, f"{name} has no entry"
    return found[1]


def test_every_kind_of_error_has_an_entry() -> None:
    raised = {*kinds(ApiError, LifecycleError, ReceiptsUnavailable)}
    assert {advice.entry_of(kind) for kind in raised} - anchors_of(PAGE) == set()
    assert raised == {type(error) for error in ERRORS}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_entry_shows_its_line_and_the_line_leads_there(error: Exception) -> None:
    name = advice.entry_of(type(error))
    shown = re.findall(r"^> (.+)$", entry(name), re.MULTILINE)
    patterns = [re.escape(line.rstrip(".…")).replace("…", ".+") for line in shown]
    assert any(re.match(pattern, str(error)) for pattern in patterns), str(error)
    assert "**Do.**" in entry(name)
    assert advice.told(error).endswith(f" See docs/troubleshooting.md#{name}.")


def test_every_entry_that_a_line_names_is_there() -> None:
    code = "".join(map(_read, SOURCES.rglob("*.py")))
    named = set(re.findall(r"leading_to\([^()]*(?:\([^()]*\)[^()]*)*\"([a-z-]+)\",?\s*\)", code))
    assert named == {"no-api-key", "no-resource-hooks", "unusable-teardown-hook"}
    assert named - anchors_of(PAGE) == set()


def test_no_error_is_raised_as_a_base_class_that_has_no_entry() -> None:
    bases = r"raise (ApiError|Refused|LifecycleError|SessionsLeft)\("
    rooms = [source for room in ("api", "lifecycle", "dynamic") for source in (SOURCES / room).rglob("*.py")]
    assert [source.name for source in rooms if re.search(bases, _read(source))] == []


def _read(source: Path) -> str:
    return source.read_text(encoding="utf-8")
