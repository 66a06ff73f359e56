"""Writes the generated parts of the pages, and the plugin's schema. A test checks that `make docs` changes nothing.

A part stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; everything around it is written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import plugin_schema
from parts import PARTS

DOCS = Path(__file__).resolve().parents[1]
_PART = re.compile(r"(<!-- generated: (?P<name>\S+) -->\n).*?(<!-- end of (?P=name) -->)", re.DOTALL)


def filled(text: str) -> str:
    """The page with every generated part as the code has it now."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n\n{found[3]}", text)


def main() -> int:
    """Write the pages; with --check only say which of them are out of date."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true")
    only_checks = parser.parse_args().check
    pages = {page: page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))}
    stale = {page: new for page, text in pages.items() if (new := filled(text)) != text}
    is_schema_current = plugin_schema.is_current()
    if not is_schema_current:
        _say(f"{plugin_schema.FILE.name}: {'out of date; run `make docs`' if only_checks else 'written'}")
        if not only_checks:
            plugin_schema.write()
    used = {found["name"] for text in pages.values() for found in _PART.finditer(text)}
    for page, new in stale.items():
        _say(f"{page.relative_to(DOCS)}: {'out of date; run `make docs`' if only_checks else 'written'}")
        if not only_checks:
            page.write_text(new, encoding="utf-8")
    for name in sorted(PARTS.keys() - used):
        _say(f"no page has the part {name}")
    return int(bool(PARTS.keys() - used or (only_checks and (stale or not is_schema_current))))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
