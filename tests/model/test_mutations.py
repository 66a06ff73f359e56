"""The model check can fail: each fault that is put into the core on purpose breaks the promise that it should."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from model.mutations import MUTATIONS, Mutation

import pulumi_anchorbrowser

PACKAGE, TESTS = Path(pulumi_anchorbrowser.__file__).parent, Path(__file__).parents[1]
# Ends at the first search that finds something. The package must be the copy, and not the one that is installed.
SEARCH = """
import sys
from model.searches import SHORT, TWO_FAULTS
import pulumi_anchorbrowser
assert pulumi_anchorbrowser.__file__.startswith(sys.argv[1]), pulumi_anchorbrowser.__file__
for search in (*SHORT, TWO_FAULTS):
    lives = search.lives()
    lives.try_all(search.world(), most_broken=1)
    if lives.broken:
        sys.exit("\\n".join(lives.broken))
"""


def found(mutation: Mutation, folder: Path) -> list[str]:
    """Return the promises that the mutated core breaks: the check's report, line by line."""
    copy = folder / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    place = copy / mutation.file
    place.write_text(place.read_text(encoding="utf-8").replace(mutation.old, mutation.new), encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(TESTS)))}
    command = [sys.executable, "-c", SEARCH, str(folder)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600)
    return done.stderr.splitlines()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_mutation_changes_one_line_of_the_core(mutation: Mutation) -> None:
    source = (PACKAGE / mutation.file).read_text(encoding="utf-8")
    assert source.count(mutation.old) == 1, f"{mutation.file} has changed: bring the mutation up to date"
    assert mutation.old.count("\n") <= 1
    assert mutation.old != mutation.new


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_the_check_finds_a_mutation(mutation: Mutation, tmp_path: Path) -> None:
    broken = found(mutation, tmp_path)
    assert any(line.startswith(mutation.breaks) for line in broken), "\n".join(broken) or "nothing was found"
