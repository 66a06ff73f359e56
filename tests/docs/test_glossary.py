"""docs/glossary.md: few terms, found from the first pages, each of them in use."""

from __future__ import annotations

import re

from docs.pages import DOCS, ROOT, pages

TERMS = re.findall(r"^\| \*\*(.+?)\*\* \|", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_glossary_has_at_most_fifteen_terms_each_of_them_once() -> None:
    assert 10 <= len(TERMS) <= 15
    assert len({term.lower() for term in TERMS}) == len(TERMS)


def test_the_readme_and_the_index_link_to_the_glossary() -> None:
    assert "(docs/glossary.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(glossary.md)" in (DOCS / "index.md").read_text(encoding="utf-8")


def test_every_term_is_used_on_another_page() -> None:
    others = [page for page in pages() if page.name != "glossary.md"]
    text = " ".join(" ".join(page.read_text(encoding="utf-8").lower().split()) for page in others)
    words = [word.strip() for term in TERMS for word in term.lower().split(",")]
    assert [word for word in words if word not in text] == []
