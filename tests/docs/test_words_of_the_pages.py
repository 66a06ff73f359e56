"""The pages use one word for each thing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs.pages import ROOT, pages
from docs.replaced_words import BANNED

# The decisions record the words of their time.
PAGES = [page for page in pages() if "decisions" not in page.parts]
# Words that a page may use in another sense than a message.
_ONLY_IN_MESSAGES = {r"docs/\S+\.md", r"\banswer(s|ed)?\b", r"\bmeant\b", r"\bgarble"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_no_word_that_another_one_replaces(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]+`|\]\([^)]*\)", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    prose = " ".join(text.split())
    found = {
        pattern: re.findall(rf".{{0,40}}(?:{pattern}).{{0,40}}", prose)
        for pattern in BANNED
        if pattern not in _ONLY_IN_MESSAGES
    }
    assert {pattern: where for pattern, where in found.items() if where} == {}
