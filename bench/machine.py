"""The machine, and the versions of what is measured on it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

_GIB = 1024**3


def describe() -> dict[str, Any]:
    """What a result depends on. No name of the machine or of its user is in it."""
    return {
        "CPUs": os.cpu_count(),
        "CPU": _processor(),
        "memory": f"{psutil.virtual_memory().total / _GIB:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Pulumi CLI": _said(["pulumi", "version"]),
        "Pulumi SDK": version("pulumi"),
        "official client (anchorbrowser)": version("anchorbrowser"),
        "commit": _said(["git", "rev-parse", "--short", "HEAD"]) + ("" if _is_clean() else ", with changes"),
    }


def _is_clean() -> bool:
    return not _said(["git", "status", "--porcelain", "--untracked-files=no", "--", "provider", "bench"])


def _said(command: list[str]) -> str:
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=Path(__file__).parent)  # noqa: S603  # commands of our own making
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
