"""No fenced block stands on a page that no test reads: its language decides who does."""

from __future__ import annotations

import json
from typing import Any

import yaml
from docs.pages import Block, blocks

RUNNERS = {
    "python": "test_python_blocks.py runs it",
    "bash": "test_shell_blocks.py runs it",
    "console": "test_shell_blocks.py runs its commands",
    "json": "parsed here; the documents of the command line are compared in tests/cli/test_documented.py",
    "yaml": "parsed here",
    "typescript": "tests/native_packages compares it with the example, which tests/examples compiles and runs",
    "text": "it shows something, and tells nobody to do it",
    "{toctree}": "test_site.py builds it",
}


def test_every_block_has_a_language_that_some_test_reads() -> None:
    assert [f"{block}: {block.language!r}" for block in blocks() if block.language not in RUNNERS] == []


def test_json_is_json() -> None:
    for block in blocks("json"):
        assert all(json.loads(document) for document in _documents(block)), block


def test_yaml_is_yaml_without_a_key_that_stands_twice() -> None:
    for block in blocks("yaml"):
        assert all(yaml.load_all(block.text, _Strict)), block


def _documents(block: Block) -> list[str]:
    """One document, or one a line, as a log has them."""
    try:
        json.loads(block.text)
    except ValueError:
        return block.text.splitlines()
    return [block.text]


class _Strict(yaml.SafeLoader):
    """YAML that refuses a mapping with the same key twice, which others read as the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key stands twice among {keys}"
        return super().construct_mapping(node, deep)
