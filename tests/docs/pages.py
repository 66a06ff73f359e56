"""The pages that people read, and the fenced blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, and what it says."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """The README, CONTRIBUTING, everything in docs, and the READMEs of the examples."""
    own = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    return [*own, *sorted(DOCS.rglob("*.md")), *sorted((ROOT / "examples").glob("*/README.md"))]


def blocks(*languages: str) -> list[Block]:
    """The blocks of these languages on all pages; all blocks, where none is named."""
    found = [block for page in pages() for block in _blocks_of(page)]
    return [block for block in found if not languages or block.language in languages]


def block_with(page: str, text: str) -> Block:
    """The one block of the page that holds this text."""
    (found,) = [block for block in _blocks_of(ROOT / page) if text in block.text]
    return found


def _blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    name = str(page.relative_to(ROOT))
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found["language"], _outdented(found))
        for found in _FENCE.finditer(text)
    ]


def _outdented(found: re.Match[str]) -> str:
    return re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
