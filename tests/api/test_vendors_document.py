"""The fields of our configuration are those of the vendor's own document, but for a list with reasons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulumi_anchorbrowser.api import SessionConfiguration

DOCUMENT = Path(__file__).parents[3] / "shared" / "reference" / "anchorbrowser-whole.openapi.yaml"
OURS_ALONE = {
    "session.x402 boolean": "the vendor's page on it is younger than the document",
}
THEIRS_ALONE = {
    "integrations[].configuration.load_mode string": "what an integration is configured with is sent unchecked",
    "integrations[].configuration.secrets array": "what an integration is configured with is sent unchecked",
    "integrations[].configuration.secrets[] string": "what an integration is configured with is sent unchecked",
}


def fields(document: dict[str, Any], schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the path and the type of everything in a JSON Schema."""
    if "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        yield from fields(document, found, path)
    for word in ("oneOf", "anyOf", "allOf"):
        for member in schema.get(word, ()):
            yield from fields(document, member, path)
    if path and schema.get("type") not in {None, "null"}:
        yield f"{path} {schema['type']}"
    if "items" in schema:
        yield from fields(document, schema["items"], f"{path}[]")
    for name, inner in schema.get("properties", {}).items():
        yield from fields(document, inner, f"{path}.{name}" if path else name)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    if not DOCUMENT.exists():
        pytest.skip("the vendor's document is not part of this repository and was not found beside it")
    content: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize("path", ["/v1/batch-sessions", "/v1/sessions"])
def test_the_fields_of_the_configuration_are_those_of_the_vendors_document(document: dict[str, Any], path: str) -> None:
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    sent = {field.removeprefix("configuration.") for field in fields(document, body)}
    theirs = {field for field in sent if field.split(" ")[0] not in {"count", "metadata", "configuration"}}
    schema = SessionConfiguration.model_json_schema()
    ours = set(fields(schema, schema))
    assert ours - theirs == set(OURS_ALONE)
    assert theirs - ours == set(THEIRS_ALONE)
