"""What is uploaded: complete, without what nobody asked for, and right in the eyes of the ecosystem's own tools."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from archives import PACKAGE, ROOT, Archives, build, only

from pulumi_anchorbrowser import __version__

SOURCES = {
    path.relative_to(ROOT / "provider").as_posix()
    for path in (ROOT / "provider" / PACKAGE).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
INFO = f"{PACKAGE}-{__version__}.dist-info"


def test_the_wheel_built_from_the_source_archive_is_the_one_built_from_the_tree(
    built: Archives, tmp_path: Path
) -> None:
    build(tmp_path, "--wheel")
    assert only(tmp_path, "*.whl").read_bytes() == built.wheel.read_bytes()


def test_the_wheel_has_all_of_the_package_and_nothing_else(built: Archives) -> None:
    assert f"{PACKAGE}/py.typed" in SOURCES
    assert f"{PACKAGE}/pulumi-plugin.json" in SOURCES
    info = {f"{INFO}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")}
    # What `pulumi-anchorbrowser explain` prints, from the page as it stands in docs.
    explained = {f"{PACKAGE}/troubleshooting.md"}
    assert built.in_wheel == SOURCES | info | explained


def test_the_source_archive_has_what_it_takes_to_build_and_to_read(built: Archives) -> None:
    needed = {"LICENSE", "CHANGELOG.md", "README.md", "pyproject.toml", "Pulumi.yaml", "__main__.py", "PKG-INFO"}
    assert needed | {f"provider/{name}" for name in SOURCES} <= built.in_sdist


def test_the_source_archive_has_nothing_that_no_commit_has(built: Archives) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode != 0:
        pytest.skip("this is no git clone, so that nothing says what belongs to it")
    assert built.in_sdist - {"PKG-INFO"} <= set(listed.stdout.splitlines())


def test_the_tools_of_the_ecosystem_find_nothing_wrong(built: Archives) -> None:
    for tool in (["twine", "check", "--strict", str(built.sdist)], ["check_wheel_contents"]):
        done = subprocess.run(
            [sys.executable, "-m", *tool, str(built.wheel)], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_version_is_the_same_wherever_it_is_said(built: Archives) -> None:
    newest = re.search(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    with tarfile.open(built.sdist) as archive:
        folders = {member.name.partition("/")[0] for member in archive.getmembers()}
    assert {newest[1], built.metadata["Version"]} == {__version__}
    assert folders == {f"{PACKAGE}-{__version__}"}
    assert built.wheel.name == f"{PACKAGE}-{__version__}-py3-none-any.whl"


def test_each_extra_asks_for_its_own_and_the_base_for_none_of_it(built: Archives) -> None:
    asked: dict[str, set[str]] = {}
    for line in built.metadata.get_all("Requires-Dist", []):
        name, extra = re.match(r"[\w-]+", line), re.search(r"extra == '(\w+)'", line)
        assert name is not None
        asked.setdefault(extra[1] if extra else "", set()).add(name[0])
    assert {extra: names for extra, names in asked.items() if extra not in {"", "all"}} == {
        "cli": {"click", "rich"},
        "simulator": {"fastapi", "uvicorn"},
    }
    assert asked[""].isdisjoint(asked["cli"] | asked["simulator"])
