"""docs/releasing.md: what it names is there, and its workflow is one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from archives import ROOT

GUIDE = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")


def test_the_workflow_is_one_that_github_understands(tmp_path: Path) -> None:
    (workflow,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "release.yml").write_text(workflow, encoding="utf-8")
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*checker, str(tmp_path / "release.yml")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_every_target_and_every_file_that_it_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`make ([a-z-]+)", GUIDE))
    assert "dist" in targets
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
    paths = re.findall(r"(?<![\w/])((?:tests|provider|\.ci)/[\w./]+|[A-Z]+\.md|pyproject\.toml)", GUIDE)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_test_that_the_matrix_names_is_there() -> None:
    """Pytest ignores a deselected name that no test has, and the matrix a folder that is not there."""
    text = (ROOT / ".ci" / "matrix").read_text(encoding="utf-8")
    names = re.findall(r"(tests/[\w/]+(?:\.py)?)(?:::(\w+))?", text)
    assert len(names) > 10
    for path, test in names:
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test
