"""The API as an ASGI application around one state."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from pulumi_anchorbrowser.simulator import batch_routes, session_routes
from pulumi_anchorbrowser.simulator.calling import KEY_HEADER, STATE, refusal, refused
from pulumi_anchorbrowser.simulator.errors import ErrorResponse, UnknownKey
from pulumi_anchorbrowser.simulator.state import SimulatorState

METHOD_NOT_ALLOWED = 405
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


class SimulatedApi(FastAPI):
    """FastAPI, with a document that has the API's own errors and none of FastAPI's."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            for operations in document["paths"].values():
                for operation in operations.values():
                    operation["responses"].pop("422", None)
            for name in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(name, None)
            _drop_null_parameters(document)
            self.openapi_schema = document
        return self.openapi_schema


def _drop_null_parameters(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                schema = parameter["schema"]
                choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
                schema.update(*choices)


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ErrorResponse)  # noqa: S101 - Starlette's signature is wider than what it calls this with
    return refused(error)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - see above
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
    return refusal(400, f"{place or 'the body'}: {first['msg']}")


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - see above
    headers = dict(error.headers or {})
    if error.status_code == METHOD_NOT_ALLOWED:
        # Starlette names the methods of the first route only that has this path.
        headers["Allow"] = ", ".join(sorted(_allowed_methods(request)))
    return refusal(error.status_code, error.detail, headers)


def _allowed_methods(request: Request) -> set[str]:
    probes = ({**request.scope, "method": method} for method in METHODS)
    return {probe["method"] for probe in probes if any(_fits(route, probe) for route in request.app.routes)}


def _fits(route: BaseRoute, scope: Scope) -> bool:
    return route.matches(scope)[0] is Match.FULL


@cache
def routed_api() -> FastAPI:
    """Return the routes, which serve every state of the process: FastAPI takes 0.1 s to make the models of them."""
    app = SimulatedApi(title="AnchorBrowser API, simulated", version="1.0.0", docs_url=None, redoc_url=None)
    app.include_router(batch_routes.routes)
    app.include_router(session_routes.routes)
    app.add_exception_handler(ErrorResponse, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route)
    return app


class ApiOfState:
    """The API of one state, of which nothing is shared with another.

    Responds with 401 before anything of a request is looked at: a stranger learns nothing from a 400 or a 404.
    """

    def __init__(self, state: SimulatorState) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        open_to_all = scope["type"] != "http" or not scope["path"].startswith("/v1/")
        if open_to_all or self._state.teams.team_of(Headers(scope=scope).get(KEY_HEADER)) is not None:
            await routed_api()({**scope, STATE: self._state}, receive, send)
        else:
            await refused(UnknownKey())(scope, receive, send)
