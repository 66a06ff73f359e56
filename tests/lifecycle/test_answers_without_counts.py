"""The API may leave a count out: then it is unknown, the user is told so, and none is invented."""

from __future__ import annotations

from api.canned import Answer, Canned, Received
from lifecycle.one_batch import ID, Stage, record, same_inputs


def test_a_cancel_without_a_count(stage: Stage) -> None:
    with Canned(Answer.data({"status": "cancelled"})) as server:
        before = record()
        after = stage.later_run(url=server.url).update(before, same_inputs(before, status="cancelled"), stage.told)
    assert (after.live_status, after.cancelled_sessions) == ("cancelled", None)
    assert any("cancelled_sessions" in warning for warning in stage.told.warnings)


def test_a_delete_without_counts(stage: Stage) -> None:
    with Canned(Answer.data({})) as server:
        after = stage.later_run(url=server.url).delete(record(), stage.told)
    assert (after.live_status, after.deleted_sessions) == ("deleted", None)
    assert any("deleted_sessions" in warning for warning in stage.told.warnings)


def test_failed_deletions_that_are_not_named_are_looked_for(stage: Stage) -> None:
    ended: list[str] = []

    def answer(request: Received) -> Answer:
        if request.method == "DELETE" and request.path.startswith("/v1/sessions/"):
            ended.append(request.path.rpartition("/")[2])
            return Answer.data({"status": "success"})
        if request.path.startswith("/v1/sessions"):
            return Answer.data({"items": []})
        if request.method == "GET":
            sessions = [{"session_id": ID, "status": "completed"}]
            return Answer.data({"batch_id": ID, "status": "completed", "total_requests": 3, "sessions": sessions})
        return Answer.data({"deleted_sessions": 2, "failed_deletions": 1})

    with Canned(answer) as server:
        after = stage.later_run(url=server.url).delete(record(), stage.told)
    assert ended == [ID]
    assert after.live_status == "deleted"
