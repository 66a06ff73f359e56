"""Tells what the package weighs: the size of an installation and the cost of an import, bare and with each extra.

    .venv/bin/python tests/packaging/footprint.py

It builds the archives, and uses the clean environments of the tests beside it. The times are of this machine.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from archives import PACKAGE, archives
from clean_environments import CleanEnvironment, clean_environment

# What was installed to install with, and is no part of what was asked for.
_TOOLS = {"pip", "setuptools", "_distutils_hack", "distutils-precedence.pth"}
_STARTS = {
    "import": f"import {PACKAGE}",
    "Batch": f"from {PACKAGE} import Batch",
    "--help": f"import sys; sys.argv = ['', '--help']; from {PACKAGE}.cli import main; main()",
    "simulator": f"import {PACKAGE}.simulator",
}
_RUNS = 3


def megabytes(environment: CleanEnvironment) -> float:
    """What is installed, without what it was installed with, as compiled at installation."""
    tools = tuple(f"{tool}-" for tool in _TOOLS)
    entries = [e for e in environment.packages.iterdir() if e.name not in _TOOLS and not e.name.startswith(tools)]
    files = [file for entry in entries for file in ([entry] if entry.is_file() else entry.rglob("*"))]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def import_cost(environment: CleanEnvironment, code: str) -> tuple[int, float]:
    """How many modules a start loads, and the milliseconds for that, the quickest of a few: `python -X importtime`."""
    return min((_import_cost(environment, code) for _ in range(_RUNS)), key=lambda cost: cost[1])


def _import_cost(environment: CleanEnvironment, code: str) -> tuple[int, float]:
    told = environment.run("python", "-X", "importtime", "-c", code)
    if told.returncode != 0:
        raise RuntimeError(told.stderr.splitlines()[-1])
    own = [int(micros) for micros in re.findall(r"^import time: +(\d+) \|", told.stderr, re.MULTILINE)]
    return len(own), sum(own) / 1000


def report(environments: dict[str, CleanEnvironment]) -> list[str]:
    """A line for each environment, and for each start in the first one that has all it needs."""
    lines = [f"{name:<12}{megabytes(one):7.1f} MB" for name, one in environments.items()]
    for name, code in _STARTS.items():
        modules, milliseconds = import_cost(environments["all"], code)
        lines.append(f"{name:<12}{modules:5d} modules {milliseconds:7.0f} ms")
    return lines


def main() -> None:
    """Build, install, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        built = archives(Path(folder))
        base = clean_environment("base", built.wheel)
        environments = {"base": base}
        for extra in ("cli", "simulator", "all"):
            archive = built.sdist if extra == "simulator" else built.wheel
            environments[extra] = clean_environment(extra, archive, f"[{extra}]", base)
        print("\n".join(report(environments)))  # noqa: T201  # what it is for


if __name__ == "__main__":
    main()
