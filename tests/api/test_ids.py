"""An id has to be a UUID before it stands in a path: `all` would end every session of a team."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pulumi_anchorbrowser.api import Client
from pulumi_anchorbrowser.simulator import Simulator

CALLS: dict[str, Callable[[Client, str], object]] = {
    "get_batch": lambda client, id_: client.get_batch(id_),
    "cancel_batch": lambda client, id_: client.cancel_batch(id_),
    "delete_batch": lambda client, id_: client.delete_batch(id_),
    "retry_batch": lambda client, id_: client.retry_batch(id_),
    "end_session": lambda client, id_: client.end_session(id_),
    "session_statuses": lambda client, id_: client.session_statuses(batch_id=id_),
    "list_sessions": lambda client, id_: client.list_sessions(id_),
}
NOT_UUIDS = [
    "",
    "all",
    "..",
    "../sessions/all",
    "a/b",
    "x?y=1",
    "%2e%2e",
    "964bb823-e620-4758-ac4d-f9760511f4d",
    "None",
]


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("not_a_uuid", NOT_UUIDS)
def test_an_id_that_is_no_uuid_never_reaches_the_wire(
    sim: Simulator, client: Client, operation: str, not_a_uuid: str
) -> None:
    with pytest.raises(ValueError, match="UUID"):
        CALLS[operation](client, not_a_uuid)
    assert sim.requests == []


def test_an_id_in_capitals_is_the_same_id(sim: Simulator, client: Client) -> None:
    batch_id = client.create_batch(1).value().batch_id
    assert client.get_batch(batch_id.upper()).batch_id == batch_id
    assert sim.requests[-1].path.endswith(batch_id)
