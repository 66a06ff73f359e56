"""The six batch operations: parse, call the state, render."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from pulumi_anchorbrowser.simulator import answers, render
from pulumi_anchorbrowser.simulator.calling import Api, Caller, answer, failures
from pulumi_anchorbrowser.simulator.configuration import BatchRequest, BatchUpdate, Configuration, RetryRequest
from pulumi_anchorbrowser.simulator.plan import Status
from pulumi_anchorbrowser.simulator.wire import Answer, Moment

routes = APIRouter(prefix="/v1/batch-sessions", tags=["Batch Sessions"])

# Not checked as a UUID here: the contract has no 400 for these paths, so a strange id is an unknown one.
BatchId = Annotated[str, Path(json_schema_extra={"format": "uuid"})]


@routes.post("", response_model=Answer[answers.CreatedBatch], responses=failures(400, 402))
async def create_batch(body: BatchRequest, team: Caller, api: Api) -> Response:
    return answer(render.created(api.create(team, body.count, body.configuration or Configuration())))


@routes.get("", response_model=Answer[answers.BatchList], responses=failures(400))
async def list_batches(
    team: Caller,
    api: Api,
    status: Annotated[Status | None, Query()] = None,
    page: Annotated[int, Query(ge=1)] = 1,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    created_after: Annotated[Moment | None, Query()] = None,
    created_before: Annotated[Moment | None, Query()] = None,
) -> Response:
    after = created_after.timestamp() if created_after else None
    before = created_before.timestamp() if created_before else None
    found = api.listed(team, status, after, before)
    first, pages = (page - 1) * limit, -(-len(found) // limit)
    pagination = answers.Pagination(
        current_page=page,
        total_pages=pages,
        total_records=len(found),
        has_next=page < pages,
        has_prev=page > 1,
    )
    summaries = [render.summary(batch) for batch in found[first : first + limit]]
    return answer(answers.BatchList(batches=summaries, pagination=pagination))


@routes.get("/{batch_id}", response_model=Answer[answers.BatchStatus], responses=failures(404))
async def get_batch(batch_id: BatchId, team: Caller, api: Api) -> Response:
    with api.lock:
        return answer(render.status(api.get(team, batch_id)))


@routes.patch("/{batch_id}", response_model=Answer[answers.CancelledBatch], responses=failures(400, 404, 409))
async def cancel_batch(batch_id: BatchId, body: BatchUpdate, team: Caller, api: Api) -> Response:  # noqa: ARG001
    terminated = api.cancel(team, batch_id)
    return answer(render.cancelled(api.batches[batch_id], terminated))


@routes.delete("/{batch_id}", response_model=Answer[answers.DeletedBatch], responses=failures(404))
async def delete_batch(batch_id: BatchId, team: Caller, api: Api) -> Response:
    return answer(render.deleted(batch_id, api.delete(team, batch_id)))


@routes.post("/{batch_id}/retry", response_model=Answer[answers.RetriedBatch], responses=failures(400, 404))
async def retry_batch(batch_id: BatchId, body: RetryRequest, team: Caller, api: Api) -> Response:
    return answer(render.retried(batch_id, api.retry(team, batch_id, body.max_retries)))
