"""The README's programs are run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from examples_support import API_KEY, ROOT

from pulumi_anchorbrowser.rehearsal import Rehearsal
from pulumi_anchorbrowser.simulator import Simulator

README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def snippet_with(text: str) -> str:
    (found,) = [snippet for snippet in SNIPPETS if text in snippet]
    return str(found)


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps the receipts of a test out of the user's own."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("own_home")
def test_the_smallest_program_runs(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(snippet_with('Batch("crawl"'), encoding="utf-8")
    with Simulator({API_KEY: "team"}) as api:
        config = {"anchorbrowser:baseUrl": api.url}
        with Rehearsal(tmp_path, config=config, secret_config={"anchorbrowser:apiKey": API_KEY}) as stack:
            assert stack.up().outputs["batch_id"] in api.batches
            assert len(api.live_sessions()) == 25
            stack.destroy()
        assert api.live_sessions() == []


@pytest.mark.usefixtures("own_home")
def test_the_test_for_ones_own_programs_passes() -> None:
    code = snippet_with("def test_my_stack").replace("path/to/my/project", str(ROOT))
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  # the README's own code
    names["test_my_stack_leaves_nothing_running"]()


def test_the_table_of_outputs_names_every_output_of_a_batch() -> None:
    from pulumi_anchorbrowser import Batch, BatchReady

    for resource in (Batch, BatchReady):
        missing = [name for name in resource.__annotations__ if f"`{name}`" not in README]
        assert missing == []


@pytest.mark.usefixtures("own_home")
def test_the_cleanup_of_the_readme_leaves_young_batches_alone(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(snippet_with("BatchCleanup("), encoding="utf-8")
    with Simulator({API_KEY: "team"}) as api:
        body = {"count": 2, "configuration": {"session": {"tags": ["pr-12"], "timeout": {"idle_timeout": -1}}}}
        url = f"{api.url}/v1/batch-sessions"
        requests.post(url, json=body, headers={"anchor-api-key": API_KEY}, timeout=10).raise_for_status()
        config = {"anchorbrowser:baseUrl": api.url}
        with Rehearsal(tmp_path, config=config, secret_config={"anchorbrowser:apiKey": API_KEY}) as stack:
            stack.up()
            assert len(api.live_sessions()) == 2
            stack.destroy()
            # Younger than ten minutes, and so left alone.
            assert len(api.live_sessions()) == 2
        assert [request.method for request in api.requests] == ["POST", "GET"]
