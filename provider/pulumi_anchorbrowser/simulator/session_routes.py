"""Sessions and billing: parse, call the state, render. There is no way to end all sessions of a team."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AfterValidator

from pulumi_anchorbrowser.simulator import render, responses
from pulumi_anchorbrowser.simulator.calling import Api, Caller, failures, known, lag_of, respond
from pulumi_anchorbrowser.simulator.clock import timestamp
from pulumi_anchorbrowser.simulator.configuration import SentConfiguration, TagsRequest
from pulumi_anchorbrowser.simulator.pages import page_of, with_odd_rows
from pulumi_anchorbrowser.simulator.sessions import Filter, end_session, find_sessions, put_tags
from pulumi_anchorbrowser.simulator.wire import Data, Moment

routes = APIRouter(prefix="/v1", tags=["Sessions"])

PAGE_SIZES = (10, 20, 50)


def _page_size(limit: int) -> int:
    if limit not in PAGE_SIZES:
        raise ValueError("limit must be 10, 20 or 50")
    return limit


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


async def _filter(
    tags: Annotated[str | None, Query()] = None,
    domains: Annotated[str | None, Query()] = None,
    created_from: Annotated[Moment | None, Query()] = None,
    created_to: Annotated[Moment | None, Query()] = None,
    batch_id: Annotated[str | None, Query()] = None,
    task_initiated: Annotated[bool | None, Query()] = None,
    playground: Annotated[bool | None, Query()] = None,
    proxy: Annotated[bool | None, Query()] = None,
    extra_stealth: Annotated[bool | None, Query()] = None,
    profile_name: Annotated[str | None, Query()] = None,
) -> Filter:
    return Filter(
        tags=_words(tags),
        batch_id=batch_id,
        created_from=created_from.timestamp() if created_from else None,
        created_to=created_to.timestamp() if created_to else None,
        proxy=proxy,
        extra_stealth=extra_stealth,
        profile_name=profile_name,
        from_elsewhere=bool(_words(domains) or task_initiated or playground),
    )


PageSize = Annotated[int, AfterValidator(_page_size), Query(json_schema_extra={"enum": list(PAGE_SIZES)})]


@routes.post("/sessions", response_model=Data[responses.CreatedSessionBody], responses=failures(400, 402))
async def create_session(team: Caller, api: Api, body: SentConfiguration | None = None) -> Response:
    configuration = body or SentConfiguration()
    known(configuration, api)
    return respond(render.created_session(api.create_single(team, configuration).session_id(0)))


@routes.get("/sessions", response_model=Data[responses.SessionPageBody], responses=failures(400))
async def list_sessions(
    team: Caller,
    api: Api,
    common: Annotated[Filter, Depends(_filter)],
    lag: Annotated[float, lag_of("sessions")],
    page: Annotated[int, Query(ge=1)] = 1,
    limit: PageSize = 10,
    sort_by: Annotated[str, Query()] = "created_at",
    sort_order: Annotated[Literal["asc", "desc"], Query()] = "asc",
    search: Annotated[str | None, Query()] = None,
    status: Annotated[str | None, Query()] = None,
) -> Response:
    wanted = Filter(**{**vars(common), "search": _words(search), "status": status})
    found = find_sessions(api, team, wanted, lag)
    found.sort(key=lambda one: one.id if sort_by == "session_id" else one.created_at, reverse=sort_order == "desc")
    part = page_of(found, page, limit, api.settings, api.turn())
    rows = [render.session_summary(one) for one in part.rows]
    listed = responses.SessionPageBody(sessions=rows, total=part.total, page=page, total_pages=part.pages)
    if page > 1 or not api.settings.odd_rows:
        return respond(listed)
    data = listed.model_dump(exclude_none=True)
    like = {"status": api.settings.running_word, "tags": list(wanted.tags), "created_at": timestamp(api.clock.now())}
    with_odd_rows(data, "sessions", like, "id", api.settings)
    return respond(data)


@routes.get("/sessions/all/status", response_model=Data[responses.SessionStatusListBody], responses=failures(400))
async def list_all_status(
    team: Caller,
    api: Api,
    wanted: Annotated[Filter, Depends(_filter)],
    lag: Annotated[float, lag_of("statuses")],
) -> Response:
    found = find_sessions(api, team, wanted, lag)
    found = [one for one in found if api.settings.ended_sessions_in_all_status or one.runs]
    part = page_of(found, 1, max(1, len(found)), api.settings, api.turn())
    items = [render.session_status(one) for one in part.rows]
    listed = responses.SessionStatusListBody(count=part.total, items=items)
    if not api.settings.odd_rows:
        return respond(listed)
    data = listed.model_dump(exclude_none=True)
    like = {"status": api.settings.running_word, "tags": list(wanted.tags), "created_at": timestamp(api.clock.now())}
    with_odd_rows(data, "items", like, "session_id", api.settings)
    return respond(data)


@routes.delete("/sessions/{session_id}", response_model=Data[responses.SuccessBody], responses=failures(404))
async def end_one_session(session_id: Annotated[str, Path()], team: Caller, api: Api) -> Response:
    end_session(api, team, session_id)
    return respond(responses.SuccessBody(status="success"))


# The vendor's page on this operation was not at hand for what its response has.
@routes.put("/sessions/{session_id}/tags", response_model=Data[responses.SessionTagsBody], responses=failures(400, 404))
async def put_session_tags(session_id: Annotated[str, Path()], body: TagsRequest, team: Caller, api: Api) -> Response:
    put_tags(api, team, session_id, tuple(body.tags))
    return respond(responses.SessionTagsBody(tags=body.tags))


@routes.get("/billing", response_model=Data[responses.BillingBody], responses=failures())
async def get_billing(team: Caller, api: Api) -> Response:
    return respond(render.billing(api, team))
