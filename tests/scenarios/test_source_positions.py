"""Where a resource stands in the user's program, as the engine's state has it."""

from __future__ import annotations

from typing import Any

import pytest
from scenarios.one_stack import OneStack
from stages.base import find_resource

PROGRAM = """
import pulumi
from helper import crawl
from pulumi.dynamic import CreateResult, Resource, ResourceProvider
from pulumi_anchorbrowser import BatchCleanup


class Other(ResourceProvider):
    def create(self, props):
        return CreateResult("other", props)


class Others(Resource):
    def __init__(self, name):
        super().__init__(Other(), name, {})


batch = crawl("crawl")
BatchCleanup("sweep", select={"tags": ["left"]})
Others("others")
"""
HELPER = """
from pulumi_anchorbrowser import Batch


def crawl(name):
    return Batch(name, count=1)
"""


@pytest.fixture
def state(engine_stack: OneStack) -> dict[str, Any]:
    """The state after an `up` of the program."""
    stage = engine_stack.stage
    stage.write_program(PROGRAM)
    (stage.project_dir / "helper.py").write_text(HELPER, encoding="utf-8")
    stage.up()
    return stage.export()


def told_of(state: dict[str, Any], name: str) -> tuple[str, list[str]]:
    """A resource's source position, and those of its stack trace."""
    found = find_resource(state, name)
    return found.get("sourcePosition", ""), [one.get("sourcePosition", "") for one in found.get("stackTrace", [])]


def test_a_resource_stands_in_the_line_of_the_program_that_declares_it(state: dict[str, Any]) -> None:
    position, trace = told_of(state, "crawl")
    assert position == "project:///helper.py#6"
    assert trace == [position, "project:///__main__.py#18"], "what Python and Pulumi add below is not the user's"
    position, trace = told_of(state, "sweep")
    assert position == "project:///__main__.py#19"
    assert trace == [position]


def test_other_peoples_resources_keep_the_trace_that_the_sdk_takes(state: dict[str, Any]) -> None:
    position, trace = told_of(state, "others")
    assert position == "project:///__main__.py#15", "the SDK takes their constructor for the user's code"
    assert len(trace) > 5
