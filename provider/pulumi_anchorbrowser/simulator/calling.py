"""What the handlers share: who calls, which state, how far it lags, and how responses are declared and rendered."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyHeader
from pydantic_core import PydanticSerializationError

from pulumi_anchorbrowser.simulator.configuration import unknown_fields
from pulumi_anchorbrowser.simulator.errors import ErrorResponse, UnknownField, UnknownKey
from pulumi_anchorbrowser.simulator.responses import ErrorBody
from pulumi_anchorbrowser.simulator.settings import LaggingListing
from pulumi_anchorbrowser.simulator.state import SimulatorState
from pulumi_anchorbrowser.simulator.wire import Sent, Wire

KEY_HEADER = "anchor-api-key"
JSON = "application/json"
# Names in the ASGI scope of a request: the state that it is about, and where a fault puts its lag.
STATE = "simulator.state"
LAG = "simulator.lag"

_key_header = APIKeyHeader(name=KEY_HEADER, scheme_name="api_key_header", auto_error=False)


async def _caller(request: Request, key: Annotated[str | None, Security(_key_header)]) -> str:
    team = (await _state(request)).teams.team_of(key)
    if team is None:
        raise UnknownKey
    return team


async def _state(request: Request) -> SimulatorState:
    return cast(SimulatorState, request.scope[STATE])


def lag_of(listing: LaggingListing) -> Any:
    """Return the dependency that says how many seconds this listing is behind, by the settings or by a fault."""

    async def lag(request: Request) -> float:
        settings = (await _state(request)).settings
        usual = settings.lag_seconds if listing in settings.lagging else 0.0
        return max(usual, cast(float, request.scope.get(LAG, 0.0)))

    return Depends(lag)


Caller = Annotated[str, Depends(_caller)]
Api = Annotated[SimulatorState, Depends(_state)]

MEANINGS = {
    400: "The request is wrong",
    401: "The key is missing or unknown",
    402: "Not enough credits",
    404: "Not known to this team",
    409: "Not possible in this state",
    429: "Too many requests",
    500: "The server failed",
}


def failures(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Declare the error responses of an operation; every one of them can also fail with 401, 429 and 500."""
    return {code: {"model": ErrorBody, "description": MEANINGS[code]} for code in sorted({401, 429, 500, *codes})}


def respond(data: Wire | dict[str, Any]) -> Response:
    """Render `{"data": ...}`; absent fields of a model are left out."""
    if isinstance(data, Wire):
        # The contents of unknown fields may be what the fast serializer refuses, such as half an emoji.
        with suppress(PydanticSerializationError):
            return Response(f'{{"data":{data.model_dump_json(exclude_none=True)}}}', media_type=JSON)
        data = data.model_dump(exclude_none=True)
    return Response(json.dumps({"data": data}), media_type=JSON)


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Render `{"error": {"code", "message"}}`."""
    # A lone surrogate, which UTF-8 does not have, becomes a JSON escape.
    return Response(json.dumps({"error": {"code": status, "message": message}}), status, headers, media_type=JSON)


def refused(error: ErrorResponse) -> Response:
    return refusal(error.status, error.message, error.headers)


def known(body: Sent, api: SimulatorState) -> None:
    """Raise UnknownField where the settings refuse the fields that the API does not know."""
    names = [] if api.settings.accept_unknown_fields else unknown_fields(body)
    if names:
        raise UnknownField(names)
