"""What the handlers share: who calls, which state, and how answers and errors are declared and rendered."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyHeader

from pulumi_anchorbrowser.simulator.answers import ErrorBody, ErrorDetail
from pulumi_anchorbrowser.simulator.errors import ApiError, UnknownKey
from pulumi_anchorbrowser.simulator.state import State
from pulumi_anchorbrowser.simulator.wire import Wire

KEY_HEADER = "anchor-api-key"
JSON = "application/json"

_key_header = APIKeyHeader(name=KEY_HEADER, scheme_name="api_key_header", auto_error=False)


async def _caller(request: Request, key: Annotated[str | None, Security(_key_header)]) -> str:
    team = cast(State, request.app.state.api).teams.team_of(key)
    if team is None:
        raise UnknownKey
    return team


async def _state(request: Request) -> State:
    return cast(State, request.app.state.api)


Caller = Annotated[str, Depends(_caller)]
Api = Annotated[State, Depends(_state)]

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
    """Declares the error answers of an operation; every one of them can also fail with 401, 429 and 500."""
    return {code: {"model": ErrorBody, "description": MEANINGS[code]} for code in sorted({401, 429, 500, *codes})}


def answer(data: Wire) -> Response:
    """Renders `{"data": ...}`, absent fields left out."""
    return Response(f'{{"data":{data.model_dump_json(exclude_none=True)}}}', media_type=JSON)


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Renders `{"error": {"code", "message"}}`."""
    body = ErrorBody(error=ErrorDetail(code=status, message=message))
    return Response(body.model_dump_json(), status, headers, media_type=JSON)


def refused(error: ApiError) -> Response:
    return refusal(error.status, error.message, error.headers)
