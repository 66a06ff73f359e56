"""Programs as users write them, before a strict type checker, and on the real provider host."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PROGRAMS = Path(__file__).parent / "programs"
RIGHT = ("right_with_classes.py", "right_with_dicts.py", "outputs.py")
_ERROR = re.compile(r"^(?:.*/)?(\w+\.py):(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)


class Found(NamedTuple):
    """One error of the type checker."""

    file: str
    line: int
    code: str


class Wrong(NamedTuple):
    """One wrong statement: its line, its code, and what is expected of it."""

    line: int
    statement: str
    codes: set[str]
    said: str

    @property
    def lines(self) -> range:
        """The lines of the statement: a type checker may name any of them."""
        return range(self.line, self.line + self.statement.count("\n") + 1)


def type_errors(files: Sequence[Path], cache: Path, python: str = sys.executable) -> list[Found]:
    """What mypy --strict finds, with no configuration, for a user of this Python's packages."""
    # The folder of the program is no place to look for a configuration, nor for a cache.
    flags = ["--strict", "--config-file=", f"--cache-dir={cache}", f"--python-executable={python}"]
    command = [sys.executable, "-m", "mypy", *flags, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=cache.parent)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = [Found(file, int(line), code) for file, line, code in _ERROR.findall(done.stdout)]
    assert bool(found) is (done.returncode == 1), done.stdout
    return found


def pyright_errors(files: Sequence[Path], folder: Path) -> list[Found]:
    """Return what pyright finds, with no configuration; its code is the name of a rule."""
    command = [str(shutil.which("pyright")), "--outputjson", f"--pythonpath={sys.executable}", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = [one for one in json.loads(done.stdout)["generalDiagnostics"] if one["severity"] == "error"]
    return [Found(Path(one["file"]).name, one["range"]["start"]["line"] + 1, one["rule"]) for one in found]


def wrong_statements() -> list[Wrong]:
    """The statements of `programs/wrong.py` with their marks."""
    text = (PROGRAMS / "wrong.py").read_text(encoding="utf-8")
    lines, statements = text.splitlines(), [node for node in ast.parse(text).body if isinstance(node, ast.Expr)][1:]
    return [_wrong(lines, node) for node in statements]


def _wrong(lines: list[str], node: ast.stmt) -> Wrong:
    codes, _, said = lines[node.lineno - 2].removeprefix("# ").partition(" | ")
    statement = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    return Wrong(node.lineno, statement, set(codes.split(", ")), said)
