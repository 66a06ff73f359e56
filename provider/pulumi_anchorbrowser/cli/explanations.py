"""The entries of the troubleshooting page, as text. Imports nothing that an extra installs."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

_NAME = "troubleshooting.md"
# A wheel has the page beside the package's code; in a clone it is where people read it.
_PLACES = (Path(__file__).parents[1] / _NAME, Path(__file__).parents[3] / "docs" / _NAME)
_ENTRY = re.compile(r"^### (.+?)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
# Of the pages that entries link to. Who installed the package has none of their files.
_TITLES = {
    _NAME: "Troubleshooting",
    "receipts.md": "Receipts",
    "reference/batch-cleanup.md": "BatchCleanup",
    "settings.md": "Settings",
}


def entries() -> dict[str, str]:
    """Return every entry by its name, such as `no-api-key`, as plain text under its heading."""
    page = next(place for place in _PLACES if place.exists()).read_text(encoding="utf-8")
    found = {_anchor(heading): (heading, text) for heading, text in _ENTRY.findall(page)}
    return {name: f"{heading}\n\n{as_text(text, found)}" for name, (heading, text) in found.items()}


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def as_text(entry: str, names: Collection[str]) -> str:
    """Return an entry without its markup; `names` are those of all entries, which a link may lead to."""

    def spelt_out(link: re.Match[str]) -> str:
        page, _, part = link[2].partition("#")
        if not page and part in names:
            return f"{link[1]} (`pulumi-anchorbrowser explain {part}`)"
        return f"{link[1]} (the page {_TITLES[page or _NAME]} of the documentation)"

    return _LINK.sub(spelt_out, entry.replace("**", "")).strip()
