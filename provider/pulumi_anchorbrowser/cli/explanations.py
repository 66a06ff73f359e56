"""The entries of the troubleshooting page, as text. Imports nothing that an extra installs."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = "troubleshooting.md"
# A wheel has the page beside the package's code; in a clone it is where people read it.
_PLACES = (Path(__file__).parents[1] / _NAME, Path(__file__).parents[3] / "docs" / _NAME)
_ENTRY = re.compile(r"^### (.+?)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def entries() -> dict[str, str]:
    """Return every entry by its name, such as `no-api-key`, as plain text under its heading."""
    page = next(place for place in _PLACES if place.exists()).read_text(encoding="utf-8")
    return {_anchor(heading): f"{heading}\n\n{_plain(text)}" for heading, text in _ENTRY.findall(page)}


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _plain(text: str) -> str:
    return _LINK.sub(_spelt_out, text.replace("**", "")).strip()


def _spelt_out(link: re.Match[str]) -> str:
    text, target = link.groups()
    where = f"`pulumi-anchorbrowser explain {target[1:]}`" if target.startswith("#") else f"docs/{target}"
    return f"{text} ({where})"
