"""The six batch operations: parse, call the state, render."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from pulumi_anchorbrowser.simulator import render, responses
from pulumi_anchorbrowser.simulator.calling import Api, Caller, failures, known, lag_of, respond
from pulumi_anchorbrowser.simulator.clock import timestamp
from pulumi_anchorbrowser.simulator.configuration import BatchRequest, BatchUpdate, RetryRequest, SentConfiguration
from pulumi_anchorbrowser.simulator.pages import page_of, with_odd_rows
from pulumi_anchorbrowser.simulator.plan import CreationStatus
from pulumi_anchorbrowser.simulator.wire import Data, Moment

routes = APIRouter(prefix="/v1/batch-sessions", tags=["Batch Sessions"])

# Not checked as a UUID here: the contract has no 400 for these paths, so a strange id is an unknown one.
BatchIdInPath = Annotated[str, Path(json_schema_extra={"format": "uuid"})]


@routes.post("", response_model=Data[responses.CreatedBatchBody], responses=failures(400, 402))
async def create_batch(body: BatchRequest, team: Caller, api: Api) -> Response:
    known(body, api)
    return respond(render.created(api.create(team, body.count, body.configuration or SentConfiguration())))


@routes.get("", response_model=Data[responses.BatchListBody], responses=failures(400))
async def list_batches(
    team: Caller,
    api: Api,
    lag: Annotated[float, lag_of("batches")],
    status: Annotated[CreationStatus | None, Query()] = None,
    page: Annotated[int, Query(ge=1)] = 1,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    created_after: Annotated[Moment | None, Query()] = None,
    created_before: Annotated[Moment | None, Query()] = None,
) -> Response:
    after = created_after.timestamp() if created_after else None
    before = created_before.timestamp() if created_before else None
    part = page_of(api.listed(team, status, after, before, lag), page, limit, api.settings, api.turn())
    pagination = responses.PaginationBody(
        current_page=page,
        total_pages=part.pages,
        total_records=part.total,
        has_next=page < part.pages,
        has_prev=page > 1,
    )
    found = responses.BatchListBody(batches=[render.summary(batch) for batch in part.rows], pagination=pagination)
    if page > 1 or not api.settings.odd_rows:
        return respond(found)
    data = found.model_dump(exclude_none=True)
    like = {"status": "processing", "total_requests": 1, "completed_requests": 0, "failed_requests": 0}
    like["created_at"] = timestamp(api.clock.now())
    with_odd_rows(data, "batches", like, "batch_id", api.settings)
    return respond(data)


@routes.get("/{batch_id}", response_model=Data[responses.BatchStatusBody], responses=failures(404))
async def get_batch(
    batch_id: BatchIdInPath, team: Caller, api: Api, lag: Annotated[float, lag_of("batch")]
) -> Response:
    with api.lock:
        return respond(render.status(api.get(team, batch_id, lag), api.settings))


@routes.patch("/{batch_id}", response_model=Data[responses.CancelledBatchBody], responses=failures(400, 404, 409))
async def cancel_batch(batch_id: BatchIdInPath, body: BatchUpdate, team: Caller, api: Api) -> Response:  # noqa: ARG001
    terminated = api.cancel(team, batch_id)
    return respond(render.cancelled(api.batches[batch_id], terminated))


@routes.delete("/{batch_id}", response_model=Data[responses.DeletedBatchBody], responses=failures(404))
async def delete_batch(batch_id: BatchIdInPath, team: Caller, api: Api) -> Response:
    return respond(render.deleted(batch_id, api.delete(team, batch_id), api.settings))


@routes.post("/{batch_id}/retry", response_model=Data[responses.RetriedBatchBody], responses=failures(400, 404))
async def retry_batch(batch_id: BatchIdInPath, body: RetryRequest, team: Caller, api: Api) -> Response:
    return respond(render.retried(batch_id, api.retry(team, batch_id, body.max_retries)))
