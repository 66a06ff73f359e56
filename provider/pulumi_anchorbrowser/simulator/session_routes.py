"""Sessions and billing: parse, ask the state, render. There is no way to end all sessions of a team."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AfterValidator

from pulumi_anchorbrowser.simulator import answers, render
from pulumi_anchorbrowser.simulator.calling import Api, Caller, answer, failures
from pulumi_anchorbrowser.simulator.sessions import Filter, end_session, find_sessions
from pulumi_anchorbrowser.simulator.wire import Answer, Moment

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


@routes.get("/sessions", response_model=Answer[answers.SessionPage], responses=failures(400))
async def list_sessions(
    team: Caller,
    api: Api,
    common: Annotated[Filter, Depends(_filter)],
    page: Annotated[int, Query(ge=1)] = 1,
    limit: PageSize = 20,
    sort_by: Annotated[str, Query()] = "created_at",
    sort_order: Annotated[Literal["asc", "desc"], Query()] = "desc",
    search: Annotated[str | None, Query()] = None,
    status: Annotated[str | None, Query()] = None,
) -> Response:
    wanted = Filter(**{**vars(common), "search": _words(search), "status": status})
    found = find_sessions(api, team, wanted)
    found.sort(key=lambda one: one.id if sort_by == "session_id" else one.created_at, reverse=sort_order == "desc")
    shown = found[(page - 1) * limit : page * limit]
    rows = [render.session_summary(one) for one in shown]
    pages = -(-len(found) // limit)
    return answer(answers.SessionPage(sessions=rows, total=len(found), page=page, total_pages=pages))


@routes.get("/sessions/all/status", response_model=Answer[answers.SessionStatusList], responses=failures(400))
async def list_all_status(team: Caller, api: Api, wanted: Annotated[Filter, Depends(_filter)]) -> Response:
    found = find_sessions(api, team, wanted)
    items = [render.session_status(one) for one in found if api.settings.ended_sessions_in_all_status or one.runs]
    return answer(answers.SessionStatusList(count=len(items), items=items))


@routes.delete("/sessions/{session_id}", response_model=Answer[answers.Success], responses=failures(404))
async def end_one_session(session_id: Annotated[str, Path()], team: Caller, api: Api) -> Response:
    end_session(api, team, session_id)
    return answer(answers.Success(status="success"))


@routes.get("/billing", response_model=Answer[answers.Billing], responses=failures())
async def get_billing(team: Caller, api: Api) -> Response:
    return answer(render.billing(api, team))
