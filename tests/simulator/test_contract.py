"""The simulator's own document says of the batch operations what the vendor's says, but for a list with reasons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pulumi_anchorbrowser.simulator import Simulator

CONTRACT = Path(__file__).parents[3] / "shared" / "reference" / "anchorbrowser-batch-sessions.openapi.yaml"

# From the vendor's pages and its official client; the batch contract does not have them.
OTHER_PATHS = {
    "/v1/billing",
    "/v1/sessions",
    "/v1/sessions/all/status",
    "/v1/sessions/{session_id}",
    "/v1/sessions/{session_id}/tags",
}

# What the simulator says beyond the contract: pattern of the difference, and the reason.
BEYOND = {
    r"post /v1/batch-sessions answers 401\b.*": "every other operation has it, and the key is checked on all",
    r"\w+ \S+ answers 429\b.*": "each plan has its limits; the contract tells of them on creation only",
    r"get /v1/batch-sessions answers 400\b.*": "an unknown status or a page 0 must be refused somehow",
    r"patch /v1/batch-sessions/{batch_id} answers 400\b.*": "any status but cancelled must be refused somehow",
    r"post /v1/batch-sessions body .*\.x402\b.*": "the vendor's page on it is younger than the contract",
}

# What the contract says beyond the simulator.
MISSING: dict[str, str] = {}

LIMITS = ("type", "format", "minimum", "maximum", "minItems", "default")


class Document:
    """Reads an OpenAPI document as a flat set of facts, so that two can be compared whatever their layout."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def facts(self, paths: set[str]) -> set[str]:
        return {
            fact
            for path in paths
            for method, operation in self.content["paths"][path].items()
            for fact in self._operation(f"{method} {path}", operation)
        }

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        found = schema
        while "$ref" in found or len(found.get("oneOf", [])) == 1:
            if "$ref" in found:
                name = found["$ref"].rpartition("/")[2]
                found = {
                    **self.content["components"]["schemas"][name],
                    **{k: v for k, v in found.items() if k != "$ref"},
                }
            else:
                found = found["oneOf"][0]
        return found

    def _operation(self, name: str, operation: dict[str, Any]) -> Iterator[str]:
        for scheme in operation["security"]:
            for key in scheme:
                told = self.content["components"]["securitySchemes"][key]
                yield f"{name} wants {told['type']} in {told['in']} {told['name']}"
        for parameter in operation.get("parameters", []):
            place = f"{name} {parameter['in']} {parameter['name']}"
            yield f"{place} required={parameter.get('required', False)}"
            yield from self._schema(place, parameter["schema"], sent=True)
        if "requestBody" in operation:
            yield f"{name} body required={operation['requestBody']['required']}"
            yield from self._content(f"{name} body", operation["requestBody"], sent=True)
        for code, answer in operation["responses"].items():
            yield f"{name} answers {code}"
            yield from self._content(f"{name} answers {code}", answer, sent=False)

    def _content(self, place: str, holder: dict[str, Any], *, sent: bool) -> Iterator[str]:
        for media, content in holder["content"].items():
            yield from self._schema(f"{place} {media}", content["schema"], sent=sent)

    def _schema(self, place: str, schema: dict[str, Any], *, sent: bool) -> Iterator[str]:
        found = self._resolved(schema)
        yield from (
            f"{place}: {limit} {_plain(found[limit])}" for limit in LIMITS if limit in found and not _union(found)
        )
        choices = [found["const"]] if "const" in found else found.get("enum", [])
        if choices:
            yield f"{place}: one of {sorted(choices)}"
        # In an answer, `required` is a promise of the simulator, which may promise more.
        yield from (f"{place}: requires {name}" for name in found.get("required", []) if sent)
        yield from self._parts(place, found, sent=sent)

    def _parts(self, place: str, found: dict[str, Any], *, sent: bool) -> Iterator[str]:
        for name, part in found.get("properties", {}).items():
            yield f"{place}.{name}"
            yield from self._schema(f"{place}.{name}", part, sent=sent)
        if "items" in found:
            yield from self._schema(f"{place}[]", found["items"], sent=sent)
        if isinstance(found.get("additionalProperties"), dict):
            yield from self._schema(f"{place}.*", found["additionalProperties"], sent=sent)
        for number, choice in enumerate(_union(found), 1):
            yield from self._schema(f"{place}|{number}", choice, sent=sent)


def _plain(value: object) -> object:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value


def _union(schema: dict[str, Any]) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = schema.get("oneOf", schema.get("anyOf", []))
    return choices


def _unexplained(differences: set[str], reasons: dict[str, str]) -> set[str]:
    return {one for one in differences if not any(re.fullmatch(pattern, one) for pattern in reasons)}


def _unused(differences: set[str], reasons: dict[str, str]) -> set[str]:
    return {pattern for pattern in reasons if not any(re.fullmatch(pattern, one) for one in differences)}


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    if not CONTRACT.exists():
        pytest.skip("the vendor's contract is not part of this repository and was not found beside it")
    content: dict[str, Any] = yaml.safe_load(CONTRACT.read_text())
    return content


@pytest.fixture(scope="module")
def own() -> dict[str, Any]:
    with Simulator() as sim:
        content: dict[str, Any] = httpx.get(f"{sim.url}/openapi.json", trust_env=False).json()
        return content


def test_the_simulator_serves_the_paths_of_the_contract_and_a_few_of_the_official_client(
    contract: dict[str, Any], own: dict[str, Any]
) -> None:
    assert set(own["paths"]) == set(contract["paths"]) | OTHER_PATHS


def test_the_simulators_document_differs_from_the_contract_only_where_a_reason_is_given(
    contract: dict[str, Any], own: dict[str, Any]
) -> None:
    paths = set(contract["paths"])
    theirs, ours = Document(contract).facts(paths), Document(own).facts(paths)

    assert len(theirs) > 300, "the contract was not read"
    assert sorted(_unexplained(ours - theirs, BEYOND)) == []
    assert sorted(_unexplained(theirs - ours, MISSING)) == []
    assert _unused(ours - theirs, BEYOND) | _unused(theirs - ours, MISSING) == set()


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        ('"maximum":1000', '"maximum":5000'),
        ('"cancelled_sessions"', '"canceled_sessions"'),
        ('"captcha_solver"', '"captchaSolver"'),
        ('"409":', '"410":'),
    ],
)
def test_the_comparison_sees_a_changed_name_limit_or_code(
    contract: dict[str, Any], own: dict[str, Any], was: str, is_now: str
) -> None:
    text = json.dumps(own, separators=(",", ":"))
    assert was in text
    paths = set(contract["paths"])
    changed = Document(json.loads(text.replace(was, is_now))).facts(paths)
    theirs = Document(contract).facts(paths)
    assert _unexplained(changed - theirs, BEYOND)
    assert _unexplained(theirs - changed, MISSING)
