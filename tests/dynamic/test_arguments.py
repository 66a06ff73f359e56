"""The argument classes and the models that check them have the same properties, and all are public."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_origin

import pulumi
import pytest
from pydantic import BaseModel
from typing_extensions import Required, get_type_hints, is_typeddict

import pulumi_anchorbrowser
from pulumi_anchorbrowser import SessionConfigurationArgs
from pulumi_anchorbrowser.api import SessionConfiguration


def inside(annotation: Any) -> Iterator[Any]:
    """The annotation and whatever it is made of."""
    yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from inside(argument)


def hints_of(arguments: Any) -> dict[str, Any]:
    # `pulumi.Input` holds `"Output[T]"` as a string, beside the type itself.
    return get_type_hints(arguments, localns={"Output": pulumi.Output, "T": Any}, include_extras=True)


def dictionaries_of(annotation: Any) -> set[Any]:
    return {found for found in inside(annotation) if is_typeddict(found)}


def models_of(annotation: Any) -> set[Any]:
    return {found for found in inside(annotation) if isinstance(found, type) and issubclass(found, BaseModel)}


def pairs(arguments: Any, model: type[BaseModel]) -> Iterator[tuple[Any, type[BaseModel]]]:
    """Each argument class with the model of the same place."""
    yield arguments, model
    hints = hints_of(arguments)
    for name, field in model.model_fields.items():
        dictionaries, models = dictionaries_of(hints.get(name)), models_of(field.annotation)
        assert len(dictionaries) == len(models) <= 1, f"{arguments.__name__}.{name}"
        for inner in dictionaries:
            yield from pairs(inner, models.copy().pop())


PAIRS = {
    arguments.__name__: (arguments, model) for arguments, model in pairs(SessionConfigurationArgs, SessionConfiguration)
}


def test_all_of_the_configuration_is_looked_at() -> None:
    assert {"ProxyArgs", "TimeoutArgs", "BrowserArgs", "MaskPatternArgs", "IntegrationArgs", "SwitchArgs"} <= set(PAIRS)
    assert len(PAIRS) >= 12


@pytest.mark.parametrize("name", PAIRS)
def test_an_argument_class_has_the_properties_of_its_model(name: str) -> None:
    arguments, model = PAIRS[name]
    assert set(hints_of(arguments)) == set(model.model_fields)


@pytest.mark.parametrize("name", PAIRS)
def test_what_the_model_needs_the_argument_class_needs(name: str) -> None:
    arguments, model = PAIRS[name]
    needed = {field for field, info in model.model_fields.items() if info.is_required()}
    assert needed <= {field for field, hint in hints_of(arguments).items() if get_origin(hint) is Required}


@pytest.mark.parametrize("name", PAIRS)
def test_an_argument_class_is_public_and_a_plain_dictionary(name: str) -> None:
    assert name in pulumi_anchorbrowser.__all__
    assert getattr(pulumi_anchorbrowser, name) is PAIRS[name][0]
    assert type(PAIRS[name][0]()) is dict
