"""The native plugin's schema: types from the pydantic models that check the inputs, words from the docstrings."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from docstrings import arguments, attributes, constants, summary
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from resources import input_names
from typing_extensions import is_typeddict

import pulumi_anchorbrowser
from pulumi_anchorbrowser import choices
from pulumi_anchorbrowser.api import SessionConfiguration
from pulumi_anchorbrowser.binding.settings import NAMESPACE, SETTINGS, Settings
from pulumi_anchorbrowser.cleanup import CleanupInputs
from pulumi_anchorbrowser.dynamic import arguments as argument_classes
from pulumi_anchorbrowser.dynamic.arguments import ReadySession
from pulumi_anchorbrowser.lifecycle import BatchInputs
from pulumi_anchorbrowser.lifecycle.durations import Duration
from pulumi_anchorbrowser.lifecycle.waiting import ReadyInputs
from pulumi_anchorbrowser.native.names import inside, outside, text_outside
from pulumi_anchorbrowser.native.schema import FILE as FILE

_TOKEN = "anchorbrowser:index:{}"  # noqa: S105  # Pulumi's word for the name of a type
_ANY = {"$ref": "pulumi.json#/Any"}
# Under another name in a program than in the core.
_ARGUMENTS = {"Selection": "SelectArgs", "Exclusion": "ExcludeArgs"}
_ENUMS = {getattr(choices, name): name for name in
          ("Status", "OnDestroy", "IfCompleted", "OnMissing", "Action", "When", "OnFailure", "LiveStatus",
           "What")}  # fmt: skip
# No other room needs this one, which stands at its property alone.
_ENUMS[Literal["anchor_proxy", "custom"]] = "ProxyType"
_TOLD = {"ProxyType": "Whose proxy it is."}
_SECRETS = {("Proxy", "password"), ("BatchReady", "sessions"), ("Config", "api_key")}
_ALWAYS_SET = {
    "Batch": ("batch_id", "status", "on_destroy", "if_completed", "on_missing", "owner", "claim", "account", "adopted",
              "live_status"),
    "BatchReady": ("batch_id", "timeout", "retry_failed", "record_sessions", "live_status"),
    "BatchCleanup": ("select", "action", "when", "limit", "dry_run", "allow_all", "on_failure", "owner"),
}  # fmt: skip
_REQUIRED = {"BatchReady": ["batchId"], "BatchCleanup": ["select"]}
_LANGUAGES: dict[str, Any] = {
    # Its own name would be `pulumi_anchorbrowser`, which is this package.
    "python": {"packageName": "pulumi_anchorbrowser_plugin", "pyproject": {"enabled": True},
               "respectSchemaVersion": True},
    "nodejs": {"packageName": "pulumi-anchorbrowser", "respectSchemaVersion": True},
    # No path of its own: `pulumi package add` prints the default one, and would write another.
    "go": {"respectSchemaVersion": True, "generateResourceContainerTypes": True},
}  # fmt: skip


class _Types:
    """Collects the named types while the properties are described."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def of(self, hint: Any) -> dict[str, Any]:
        """Return the schema's words for a type."""
        if hint == Duration:
            return {"oneOf": [{"type": "string"}, {"type": "number"}]}
        origin, parts = get_origin(hint), [part for part in get_args(hint) if part is not type(None)]
        if origin is Annotated:
            return self.of(parts[0])
        if origin is Literal:
            return self._enum(hint)
        if origin in {Union, types.UnionType}:
            return self.of(parts[0]) if len(parts) == 1 else {"oneOf": [self.of(part) for part in parts]}
        if origin is list:
            return {"type": "array", "items": self.of(parts[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(parts[1])}
        if isinstance(hint, type) and (issubclass(hint, BaseModel) or is_typeddict(hint)):
            return {"$ref": f"#/types/{self._object(hint)}"}
        simple = {int: "integer", float: "number", str: "string", bool: "boolean"}
        return {"type": simple[hint]} if hint in simple else dict(_ANY)

    def _enum(self, hint: Any) -> dict[str, Any]:
        name = _ENUMS.get(hint)
        if name is None:
            return {"type": "string"}
        values = [{"value": value, "name": outside(value)[0].upper() + outside(value)[1:]} for value in get_args(hint)]
        told = constants(choices).get(name) or _TOLD[name]
        self.found[_TOKEN.format(name)] = {"type": "string", "description": told, "enum": values}
        return {"$ref": f"#/types/{_TOKEN.format(name)}"}

    def _object(self, model: type) -> str:
        token = _TOKEN.format(model.__name__)
        if token not in self.found:
            self.found[token] = {}
            described = getattr(argument_classes, _ARGUMENTS.get(model.__name__, f"{model.__name__}Args"), model)
            told = {**attributes(model), **attributes(described)}
            for base in described.__mro__[1:]:
                told = {**_attributes_of(base), **told}
            required = [outside(name) for name in _hints(model) if _is_required(model, name)]
            self.found[token] = {
                "type": "object",
                "description": summary(described),
                "properties": _properties(self, _hints(model), told, model.__name__),
                **({"required": required} if required else {}),
            }
        return token


def schema() -> dict[str, Any]:
    """Return the whole schema, without its version: the plugin says that itself."""
    found = _Types()
    resources = {
        _TOKEN.format(kind.__name__): _resource(found, kind, model)
        for kind, model in (
            (pulumi_anchorbrowser.Batch, BatchInputs),
            (pulumi_anchorbrowser.BatchReady, ReadyInputs),
            (pulumi_anchorbrowser.BatchCleanup, CleanupInputs),
        )
    }
    config = _settings(found)
    whole = {
        "name": "anchorbrowser",
        "displayName": "AnchorBrowser",
        "description": summary(pulumi_anchorbrowser),
        "keywords": ["category/infrastructure", "kind/native", "anchorbrowser", "browser"],
        "license": "Apache-2.0",
        "config": {"variables": config},
        "provider": {
            "description": "The account and the behaviour of all resources that use this provider.",
            "inputProperties": config,
            "properties": config,
        },
        "types": dict(sorted(found.found.items())),
        "resources": resources,
        "language": _LANGUAGES,
    }
    names = frozenset(name for name in _names(whole) if "_" in name)
    return _with_words_outside(whole, names)  # type: ignore[no-any-return]


def text() -> str:
    """Return the schema as the file has it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def is_current() -> bool:
    """Whether the file is what the models and docstrings say."""
    return FILE.is_file() and FILE.read_text(encoding="utf-8") == text()


def write() -> None:
    """Write the file."""
    FILE.write_text(text(), encoding="utf-8")


def _resource(found: _Types, kind: type, model: type[BaseModel]) -> dict[str, Any]:
    hints, name = _hints(model), kind.__name__
    # The binding adds others, which are no inputs of a program.
    inputs = {n: hints[n] for n in input_names(kind.__init__)}  # type: ignore[misc]
    outputs = {**_output_hints(kind), **{n: h for n, h in inputs.items() if n != "configuration"}}
    if "sessions" in outputs:
        # A Python program is given dictionaries, since the SDK refuses a typed one.
        outputs["sessions"] = list[ReadySession]
    if "configuration" in inputs:
        inputs["configuration"] = outputs["configuration"] = SessionConfiguration
    told_of_inputs, told = arguments(kind.__init__), attributes(kind)  # type: ignore[misc]
    told_of_inputs = {n: f"{told_of_inputs[n]}{_default(model, n)}" for n in inputs}
    return {
        "description": _in_every_language(inspect.getdoc(kind) or ""),
        "inputProperties": _properties(found, inputs, told_of_inputs, name),
        "requiredInputs": _REQUIRED.get(name, []),
        "properties": _properties(found, {n: outputs[n] for n in told if n in outputs}, told, name),
        "required": [outside(output) for output in _ALWAYS_SET[name]],
        "aliases": [{"type": f"pulumi-python:dynamic/anchorbrowser:{name}"}],
    }


def _properties(
    found: _Types, hints: Mapping[str, Any], told: Mapping[str, str], owner: str
) -> dict[str, dict[str, Any]]:
    properties = {}
    for name, hint in hints.items():
        properties[outside(name)] = {**found.of(hint), "description": told.get(name, "")}
        if (owner, name) in _SECRETS:
            properties[outside(name)]["secret"] = True
    return properties


def _settings(found: _Types) -> dict[str, Any]:
    hints, told = get_type_hints(Settings), attributes(Settings)
    fields = {"confirmAccount": "confirmed_accounts"}
    wanted = {inside(name): fields.get(name, inside(name)) for name in SETTINGS}
    simple = {name: hints[field] if field != "confirmed_accounts" else str for name, field in wanted.items()}
    variable = f"{NAMESPACE}_{{}}".upper().format
    texts = {
        name: f"{told[field]} Default: the environment variable `{variable(name.upper())}`."
        for name, field in wanted.items()
    }
    return _properties(found, simple, texts, "Config")


def _default(model: type[BaseModel], name: str) -> str:
    default = model.model_fields[name].default
    if default is None or default is PydanticUndefined:
        return ""
    return f" Default: `{default if isinstance(default, str) else json.dumps(default)}`."


def _in_every_language(told: str) -> str:
    """Return the description without what only Python programs have."""
    paragraphs = [one for one in told.split("\n\n") if "teardown_hook" not in one]
    return "\n\n".join(paragraphs).replace("depends_on", "dependsOn")


def _is_required(model: type, name: str) -> bool:
    if issubclass(model, BaseModel):
        return model.model_fields[name].is_required()
    return type(None) not in get_args(_hints(model)[name])


def _hints(model: type) -> dict[str, Any]:
    hints = get_type_hints(model, include_extras=True)
    return {name: hints[name] for name in getattr(model, "model_fields", hints)}


def _output_hints(kind: type) -> dict[str, Any]:
    # The type of an Output's value. Those of the SDK's own classes above it cannot be evaluated.
    return {name: get_args(hint)[0] for name, hint in vars(kind)["__annotations__"].items()}


def _attributes_of(kind: type) -> dict[str, str]:
    return attributes(kind) if kind.__module__.startswith("pulumi_anchorbrowser") else {}


def _names(whole: Mapping[str, Any]) -> Iterator[str]:
    for part in (*whole["resources"].values(), *whole["types"].values(), whole["provider"]):
        for properties in (part.get("properties", {}), part.get("inputProperties", {})):
            yield from map(inside, properties)


def _with_words_outside(value: Any, names: frozenset[str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _with_words_outside(item, names, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_words_outside(item, names) for item in value]
    if key == "description":
        value = value.replace(", under the API's own names", "")
        return text_outside(value, names).replace("None", "null").replace("True", "true").replace("False", "false")
    return value
