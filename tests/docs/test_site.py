"""The site: it builds without a warning, its generated parts are up to date, and every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from docs.pages import DOCS, ROOT, pages

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^ *```.*?^ *```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", "-d", str(out / "trees")]
    built = subprocess.run([*command, str(DOCS), str(out / "html")], capture_output=True, text=True, timeout=300)
    assert (built.returncode, built.stderr) == (0, "")
    return out / "html"


def test_the_site_has_every_page_and_asks_no_other_server_for_anything(site: Path) -> None:
    wanted = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")}
    built = {page.relative_to(site) for page in site.rglob("*.html")}
    assert wanted - built == set()
    for page in wanted:
        assert [url for url in _loaded((site / page).read_text(encoding="utf-8")) if "//" in url] == []


def test_the_generated_parts_are_what_the_code_says_now() -> None:
    command = [sys.executable, str(DOCS / "_generator"), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr


@pytest.mark.parametrize("page", [*pages(), ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_of_a_page_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    links = [link for link in _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))) if ":" not in link]
    assert [link for link in links if not _leads_somewhere(page, link)] == []


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in anchors_of(target))


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as both GitHub and the site make them."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


def _loaded(html: str) -> list[str]:
    """The addresses that a browser asks for by itself."""
    found: list[str] = []

    class Finder(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            values = dict(attrs)
            if tag in {"script", "img", "iframe", "source"}:
                found.append(values.get("src") or "")
            if tag == "link" and values.get("rel") in {"stylesheet", "preload", "icon"}:
                found.append(values.get("href") or "")

    Finder().feed(html)
    return found
