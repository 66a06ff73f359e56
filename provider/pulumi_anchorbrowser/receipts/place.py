"""Where receipts are kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "ANCHORBROWSER_RECEIPTS"
_OFF = frozenset({"off", "false", "no", "0"})


def default_place(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file named by ANCHORBROWSER_RECEIPTS, None where that says `off`, else one in Pulumi's own home."""
    chosen = environ.get(VARIABLE, "").strip()
    if chosen.lower() in _OFF:
        return None
    if chosen:
        return Path(chosen).expanduser()
    home = environ.get("PULUMI_HOME")
    return (Path(home) if home else Path.home() / ".pulumi") / "anchorbrowser" / "receipts.sqlite3"
