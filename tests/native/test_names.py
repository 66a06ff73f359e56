"""Every name of the schema has one form outside and one inside; keys of the user's own stay as they are."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import pulumi_anchorbrowser
from pulumi_anchorbrowser import native
from pulumi_anchorbrowser.api import SessionConfiguration
from pulumi_anchorbrowser.binding.settings import SETTINGS
from pulumi_anchorbrowser.cleanup import CleanupInputs
from pulumi_anchorbrowser.lifecycle import BatchInputs, BatchRecord
from pulumi_anchorbrowser.lifecycle.waiting import ReadyInputs
from pulumi_anchorbrowser.native import names
from pulumi_anchorbrowser.native.properties import received, sent
from pulumi_anchorbrowser.native.schema import schema_text

SCHEMA: dict[str, Any] = json.loads(schema_text())
# Added by the binding, and written by no program.
ADDED = {"resource_urn", "owner", "former_owners", "claim"}
# In the state only where a stop was not clear.
INTERNAL = {"ended", "missing"}


def objects() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object of the schema, with its properties."""
    for token, described in {**SCHEMA["resources"], **SCHEMA["types"]}.items():
        yield token, described.get("properties", {})
        yield token, described.get("inputProperties", {})


PROPERTIES = sorted({name for _, properties in objects() for name in properties})
WRITTEN = st.sampled_from(PROPERTIES)
PLAIN = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5)
OWN = st.text(st.characters(codec="ascii", exclude_characters=".\0"), min_size=1, max_size=8)


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_name_of_the_schema_comes_back_from_inside(name: str) -> None:
    assert names.outside(names.inside(name)) == name
    assert "_" not in name


@given(
    st.recursive(
        st.dictionaries(WRITTEN, PLAIN),
        lambda inner: st.dictionaries(WRITTEN, inner | st.lists(inner), max_size=3),
        max_leaves=10,
    )
)
def test_properties_at_every_depth_come_back_from_inside(properties: dict[str, Any]) -> None:
    assert names.properties_outside(names.properties_inside(properties)) == properties


@given(st.dictionaries(OWN, PLAIN | st.dictionaries(OWN, PLAIN)))
def test_keys_of_the_users_own_stay(own: dict[str, Any]) -> None:
    integrations = [{"id": "one", "configuration": own}]
    mask = {"siteSelectors": {name: ["#a"] for name in own}}
    properties = {
        "metadata": own,
        "triggers": [own],
        "configuration": {"integrations": integrations, "browser": {"sensitiveDataMask": mask}},
    }
    inside = names.properties_inside(properties)
    assert inside["metadata"] == own
    assert inside["triggers"] == [own]
    assert inside["configuration"]["integrations"] == integrations
    assert inside["configuration"]["browser"]["sensitive_data_mask"]["site_selectors"] == mask["siteSelectors"]
    assert names.properties_outside(inside) == properties


@given(st.dictionaries(WRITTEN, PLAIN.filter(lambda value: value is not None)))
def test_what_is_sent_is_received(properties: dict[str, Any]) -> None:
    inside = names.properties_inside(properties)
    assert received(sent(inside)) == inside


def test_a_free_object_of_the_schema_is_known_as_one() -> None:
    """Where the schema allows any key, the key must not be renamed."""
    free = {
        name
        for token, properties in objects()
        for name, described in properties.items()
        if "additionalProperties" in described and not token.endswith(("BatchCleanup", "BatchReady"))
    }
    assert free == {"metadata", "configuration", "siteSelectors"}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("on_destroy", "onDestroy"),
        ("configuration.session.timeout.max_duration", "configuration.session.timeout.maxDuration"),
        ("configuration.session.tags.0", "configuration.session.tags[0]"),
        ("metadata.some_key", "metadata.some_key"),
        ("configuration.integrations.0.configuration.some_key", "configuration.integrations[0].configuration.some_key"),
    ],
)
def test_a_path_has_the_names_that_programs_write(path: str, shown: str) -> None:
    assert names.path_outside(path) == shown


def models_below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and every model that a field of it has, at any depth."""
    yield model
    for field in model.model_fields.values():
        pending = [field.annotation]
        while pending:
            hint: Any = pending.pop()
            pending += getattr(hint, "__args__", ())
            if isinstance(hint, type) and issubclass(hint, BaseModel):
                yield from models_below(hint)


def fields_in_schema(model: type[BaseModel]) -> set[str]:
    """The names that the schema has for a model of nested inputs."""
    return set(map(names.inside, SCHEMA["types"][f"anchorbrowser:index:{model.__name__}"]["properties"]))


@pytest.mark.parametrize("model", sorted(set(models_below(SessionConfiguration)), key=lambda one: one.__name__))
def test_no_field_of_the_configuration_is_missing_from_the_schema(model: type[BaseModel]) -> None:
    assert fields_in_schema(model) == set(model.model_fields)


@pytest.mark.parametrize(
    ("resource", "model"), [("Batch", BatchInputs), ("BatchReady", ReadyInputs), ("BatchCleanup", CleanupInputs)]
)
def test_no_input_is_missing_from_the_schema(resource: str, model: type[BaseModel]) -> None:
    described = SCHEMA["resources"][f"anchorbrowser:index:{resource}"]
    assert set(map(names.inside, described["inputProperties"])) == set(model.model_fields) - ADDED
    for nested in set(models_below(model)) - {model}:
        assert fields_in_schema(nested) == set(nested.model_fields)


@pytest.mark.parametrize("resource", ["Batch", "BatchReady", "BatchCleanup"])
def test_no_output_of_the_python_class_is_missing_from_the_schema(resource: str) -> None:
    described = SCHEMA["resources"][f"anchorbrowser:index:{resource}"]["properties"]
    outputs = vars(getattr(pulumi_anchorbrowser, resource))["__annotations__"]
    assert set(map(names.inside, described)) == set(outputs)


def test_no_output_of_a_record_is_missing_from_the_schema() -> None:
    described = SCHEMA["resources"]["anchorbrowser:index:Batch"]["properties"]
    assert set(BatchRecord.model_fields) - INTERNAL - {"resource_urn"} == set(map(names.inside, described))


def test_no_setting_is_missing_from_the_schema() -> None:
    assert set(SCHEMA["config"]["variables"]) == set(SCHEMA["provider"]["inputProperties"]) == set(SETTINGS)
    arguments = inspect.signature(native.Provider.__init__).parameters.keys() - {"self", "resource_name", "opts"}
    assert arguments == {names.inside(name) for name in SETTINGS}


def test_every_property_has_a_description() -> None:
    without = [(token, name) for token, properties in objects() for name, one in properties.items()
               if not one.get("description")]  # fmt: skip
    assert without == []
