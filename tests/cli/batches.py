"""Batches and sessions that stacks and people have started."""

from __future__ import annotations

import httpx

from pulumi_anchorbrowser.simulator import Simulator

KEY = "sk-key-of-our-team"
OWNER, OTHER_OWNER = "organization/demo/dev", "organization/demo/prod"
MISSING = "00000000-0000-4000-8000-000000000000"
PROTECT = "pulumi-protect"


class Team:
    """All batches of one team."""

    def __init__(self, sim: Simulator, http: httpx.Client) -> None:
        self.sim, self._http = sim, http

    def start(self, count: int = 2, *, owner: str | None = OWNER, claim: str = "", tags: tuple[str, ...] = ()) -> str:
        """Start a batch of this stack, or of nobody. Return its id."""
        marks = ["pulumi", f"pulumi-owner:{owner}"] if owner else []
        marks += [f"pulumi-claim:{claim}"] if claim else []
        body = {"count": count, "configuration": {"session": {"tags": [*tags, *marks]}}}
        response = self._http.post(f"{self.sim.url}/v1/batch-sessions", headers={"anchor-api-key": KEY}, json=body)
        self.sim.clear_requests()
        return str(response.raise_for_status().json()["data"]["batch_id"])

    def start_many(self, number: int, owner: str = OWNER) -> list[str]:
        """Start batches of one browser each."""
        return [self.start(1, owner=owner) for _ in range(number)]

    def protect(self, batch_id: str) -> None:
        """Tag a session of the batch with `pulumi-protect`, as somebody else would."""
        [session, *_] = self.sim.live_sessions(batch_id=batch_id)
        self.sim.put_tags(session.session_id, [*session.tags, PROTECT])

    @property
    def changes(self) -> list[str]:
        """All requests but reads: "DELETE <batch>", "PATCH <batch>", "DELETE session"."""
        sent = (f"{r.method} {r.path}".replace("/v1/batch-sessions/", "") for r in self.sim.requests)
        return ["DELETE session" if "/v1/sessions/" in one else one for one in sent if not one.startswith("GET")]

    @property
    def there(self) -> set[str]:
        """The batches that were not deleted."""
        return {batch_id for batch_id, batch in self.sim.batches.items() if not batch.deleted}

    @property
    def running(self) -> set[str]:
        """The batches of which a browser runs."""
        return {session.batch_id for session in self.sim.live_sessions()}
