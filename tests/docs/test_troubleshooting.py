"""docs/troubleshooting.md: every error that a user can meet has an entry, which its line names."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from click.testing import CliRunner
from docs.pages import DOCS
from docs.replaced_words import BANNED

import pulumi_anchorbrowser
from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions, Outcome
from pulumi_anchorbrowser.binding.services import NoApiKey
from pulumi_anchorbrowser.binding.settings import Settings, refuse_misspelt
from pulumi_anchorbrowser.cleanup import Cleanup, CleanupInputs, MatchesEverything, Plan, TooMany, run_cleanup
from pulumi_anchorbrowser.cli.exits import ExitCode
from pulumi_anchorbrowser.cli.explain import explain
from pulumi_anchorbrowser.cli.explanations import as_text
from pulumi_anchorbrowser.dynamic.teardown_hook import NoResourceHooks, UnusableTeardownHook
from pulumi_anchorbrowser.errors import INTERRUPTED, ExpectedError, printed
from pulumi_anchorbrowser.lifecycle import Batches
from pulumi_anchorbrowser.lifecycle.errors import (
    AccountUnknown,
    AdoptionFailed,
    AnotherAccount,
    BatchNotFound,
    CancelRefused,
    DeletionIncomplete,
    LeftoverUnknown,
    NotAdopted,
    OutcomeUnknown,
    SessionsNotEnded,
    SessionsNotListed,
    StillRunning,
)
from pulumi_anchorbrowser.lifecycle.listing import ListingIncomplete
from pulumi_anchorbrowser.lifecycle.state import export
from pulumi_anchorbrowser.lifecycle.waiting import NotReady, ReadyInputs, Waiting
from pulumi_anchorbrowser.native.kinds import NotImportable, UnknownResource
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import Fault, Simulator

PAGE = DOCS / "troubleshooting.md"
TEXT = PAGE.read_text(encoding="utf-8")
ID = "6e019235-bc0d-43f2-b13e-a5ea2acec607"
LEFT = [("one", "HTTP 500"), ("another", "HTTP 500")]
# The bases of others, which are raised as themselves nowhere.
BASES = {"ApiError", "LifecycleError", "SessionsLeft"}


class Silence:
    """Notices that go nowhere."""

    def info(self, text: str) -> None: ...

    def warning(self, text: str) -> None: ...

    def progress(self, text: str) -> None: ...


def client_of(api: Simulator, key: str = "simulated-key") -> Client:
    return Client(api.url, ApiKeys(key), ClientOptions(max_retries=0, request_timeout=5))


def api_errors() -> Iterator[ExpectedError]:
    """Yield every error of a call, as the client makes it of what the API does."""
    with Simulator() as api, closing(client_of(api)) as client, closing(client_of(api, "other")) as refused:
        yield error_of(refused.create_batch(1))
        yield error_of(client.delete_batch(ID))
        for status, message in (
            (302, None),
            (400, "no"),
            (402, "no"),
            (403, "no"),
            (409, "no"),
            (429, "Too many requests"),
            (429, "The limit of concurrent browsers is reached"),
            (503, "no"),
        ):
            api.faults.add(Fault("status", method="POST", status=status, message=message))
            yield error_of(client.create_batch(1))
        api.faults.add(Fault("reset_after", method="POST"))
        yield error_of(client.create_batch(1))
        yield error_of(client.create_batch(1, metadata={"ratio": math.nan}))
        api.stop()
        yield error_of(client.create_batch(1))


def error_of(outcome: Outcome[object]) -> ExpectedError:
    assert outcome.error is not None
    return outcome.error


def not_ready() -> ExpectedError:
    with Simulator() as api, closing(client_of(api)) as client:
        api.settings.creation_seconds = 60
        batch = client.create_batch(2).value()
        waiting = Waiting(Batches(client, Receipts(None)).runner, Silence())
        with pytest.raises(NotReady) as caught:
            waiting.until(ReadyInputs(batch_id=batch.batch_id, timeout=0))
        return caught.value


def raised_by(call: object, *arguments: object) -> ExpectedError:
    assert callable(call)
    with pytest.raises(ExpectedError) as caught:
        call(*arguments)
    return caught.value


def cleanup_incomplete() -> ExpectedError:
    with Simulator() as api, closing(client_of(api)) as client:
        client.create_batch(1, {"session": {"tags": ["left"]}}).value()
        api.faults.add(Fault("status", method="DELETE", status=400, times=None))
        inputs = CleanupInputs.model_validate({"select": {"tags": ["left"]}})
        cleanup = Cleanup(Batches(client, Receipts(None)))
        return raised_by(run_cleanup, cleanup, inputs, Silence())


def other_errors(folder: Path) -> Iterator[ExpectedError]:
    """Yield every error above the API."""
    yield OutcomeUnknown("HTTP 502", "pulumi-claim:c", 60)
    yield LeftoverUnknown("c", "HTTP 503")
    yield AdoptionFailed("c")
    yield AnotherAccount(ID, "https://a.example", "https://b.example", "code")
    yield AccountUnknown("c")
    yield DeletionIncomplete(ID, LEFT, 2)
    yield SessionsNotEnded(ID, LEFT, 2)
    yield StillRunning(ID, LEFT)
    yield BatchNotFound("c", LEFT)
    yield SessionsNotListed(ID, "the API lists none of them")
    yield CancelRefused(ID, "HTTP 409", "the batch is completed")
    yield NotAdopted(ID, "the API does not know it under this key (HTTP 404)", "Check the id.")
    yield not_ready()
    yield ListingIncomplete("batches", "the pages do not agree")
    yield raised_by(export, "no-organization/no-project/no-stack", folder)
    yield MatchesEverything()
    yield TooMany(120, 100)
    yield raised_by(Plan.from_document, {})
    yield cleanup_incomplete()
    yield raised_by(Settings.read, lambda _: None, {"ANCHORBROWSER_MAX_RETRIES": "many"})
    yield raised_by(refuse_misspelt, ["anchorbrowser:basUrl"])
    yield NoApiKey()
    yield NotImportable("BatchReady")
    yield UnknownResource("anchorbrowser:index:Fleet")
    yield NoResourceHooks()
    yield UnusableTeardownHook("teardown_hook 'stop' cannot be used: limit: must be greater than 0")
    (folder / "a-file").write_text("", encoding="utf-8")
    yield raised_by(Receipts(folder / "a-file" / "receipts.sqlite3").all)


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> list[ExpectedError]:
    return [*api_errors(), *other_errors(tmp_path_factory.mktemp("errors"))]


def all_kinds() -> dict[str, type[ExpectedError]]:
    """Return every class of expected errors of the product, by its name."""
    for module in walk_packages(pulumi_anchorbrowser.__path__, "pulumi_anchorbrowser."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found: dict[str, type[ExpectedError]] = {}
    pending = [ExpectedError]
    while pending:
        below = pending.pop().__subclasses__()
        found |= {kind.__name__: kind for kind in below}
        pending += below
    return found


KINDS = {name: kind for name, kind in all_kinds().items() if name not in BASES}


def entries() -> dict[str, str]:
    """Return the text of every entry by its anchor; entries are the headings of the third level."""
    found = re.findall(r"(?ms)^### (.+?)\n(.*?)(?=^##|\Z)", TEXT)
    return {heading.lower().replace(" ", "-"): text for heading, text in found}


def test_every_anchor_has_an_entry_and_every_entry_is_an_anchor() -> None:
    assert {name: kind.anchor for name, kind in KINDS.items() if kind.anchor not in entries()} == {}
    sources = Path(pulumi_anchorbrowser.__file__).parent.rglob("*.py")
    code = "".join(source.read_text(encoding="utf-8") for source in sources)
    # What is no class of its own names its entry where it is printed.
    named = set(re.findall(r'in_one_line\([^()]*, "([a-z-]+)"\)', code))
    assert entries().keys() - named - {kind.anchor for kind in KINDS.values()} == set()
    assert named - entries().keys() == set()


def test_every_kind_of_error_is_tried_here(errors: list[ExpectedError]) -> None:
    assert {type(error).__name__ for error in errors} == KINDS.keys()


def test_an_entry_shows_the_line_of_its_error_and_the_line_names_the_command_that_prints_it(
    errors: list[ExpectedError],
) -> None:
    assert [str(error) for error in errors if not is_shown(error.anchor, str(error))] == []
    assert [error.anchor for error in errors if "**Do.**" not in entries()[error.anchor]] == []
    lines = [printed(error) for error in errors]
    commands = [re.findall(r"\. Explained by `pulumi-anchorbrowser explain ([a-z-]+)`\.$", line) for line in lines]
    assert commands == [[error.anchor] for error in errors]


def test_the_command_explain_prints_every_entry_and_without_a_name_lists_them() -> None:
    run = CliRunner().invoke
    assert run(explain).output.split() == [*entries()]
    for anchor in entries():
        printed_entry = run(explain, [anchor]).output
        assert "Do." in printed_entry
        assert "](" not in printed_entry
        assert "**" not in printed_entry


def test_the_command_explain_takes_a_whole_line_that_a_command_printed(errors: list[ExpectedError]) -> None:
    for error in errors:
        line = f"error: Exception calling application: {printed(error)}"
        assert CliRunner().invoke(explain, [line]).output == CliRunner().invoke(explain, [error.anchor]).output


def test_a_link_of_an_entry_is_printed_as_what_a_user_without_the_pages_can_use() -> None:
    explained = {one: CliRunner().invoke(explain, [one]).output for one in entries()}
    assert "Correct the setting: settings (the page Settings of the documentation)." in explained["unusable-setting"]
    titles = {title for text in explained.values() for title in re.findall(r"\(the page (\w+) of the doc", text)}
    assert titles == {"Settings", "Receipts", "BatchCleanup"}
    linked = {page for text in entries().values() for page in re.findall(r"\]\(([\w/-]+\.md)", text)}
    headings = {(DOCS / page).read_text(encoding="utf-8").partition("\n")[0] for page in linked}
    assert titles == {heading.strip("# `") for heading in headings}
    assert as_text("See [the wait](#not-ready).", {"not-ready"}) == (
        "See the wait (`pulumi-anchorbrowser explain not-ready`)."
    )
    assert "the page Troubleshooting of the documentation" in as_text("See [warnings](#what-looks-like-an-error).", {})


@pytest.mark.parametrize("pattern", [one for one in BANNED if "docs" in one])
def test_no_printed_entry_names_a_file_that_a_user_does_not_have(pattern: str) -> None:
    assert re.search(pattern, "see docs/settings.md")
    assert [one for one in entries() if re.search(pattern, CliRunner().invoke(explain, [one]).output)] == []


def test_the_command_explain_names_the_nearest_entry() -> None:
    failed = CliRunner().invoke(explain, ["not-redy"])
    assert failed.exit_code == ExitCode.USAGE
    assert "Did you mean 'not-ready'?" in failed.output


def test_the_command_explain_needs_no_extra() -> None:
    program = "import sys; sys.modules['click'] = None; from pulumi_anchorbrowser.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "explain", "payment-required"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Add credits" in done.stdout


def test_the_line_of_an_interrupt_names_its_entry_which_shows_it() -> None:
    assert INTERRUPTED.endswith(". Explained by `pulumi-anchorbrowser explain interrupted`.")
    assert is_shown("interrupted", INTERRUPTED)


def is_shown(anchor: str, text: str) -> bool:
    """Whether one of the lines that the entry quotes is how the text begins."""
    quoted = re.findall(r"^> (?:warning: )?(.+)$", entries()[anchor], re.MULTILINE)
    patterns = [re.escape(line.rstrip(".…")).replace("…", ".+") for line in quoted]
    return any(re.match(pattern, text) for pattern in patterns)


def test_the_table_of_the_page_names_every_entry() -> None:
    table = TEXT.partition("## The key")[0]
    linked = set(re.findall(r"\(#([a-z0-9-]+)\)", table))
    assert entries().keys() - linked == set()


def test_no_error_is_raised_as_a_base_class() -> None:
    sources = Path(pulumi_anchorbrowser.__file__).parent.rglob("*.py")
    raised = re.compile(rf"raise ({'|'.join(sorted(BASES))}|ExpectedError)\(")
    found = [str(source) for source in sources if raised.search(source.read_text(encoding="utf-8"))]
    assert [source for source in found if "simulator" not in source] == []
