"""Batches that stacks and people have started."""

from __future__ import annotations

import httpx

from pulumi_anchorbrowser.simulator import Simulator

KEY = "sk-key-of-our-team"
OWNER, OTHER_OWNER = "organization/demo/dev", "organization/demo/prod"
MISSING = "00000000-0000-4000-8000-000000000000"


class Team:
    """All batches of one team."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim

    def start(self, count: int = 2, *, owner: str | None = OWNER, claim: str = "", tags: tuple[str, ...] = ()) -> str:
        """The id of a new batch, of this stack or of nobody."""
        marks = ["pulumi", f"pulumi-owner:{owner}"] if owner else []
        marks += [f"pulumi-claim:{claim}"] if claim else []
        body = {"count": count, "configuration": {"session": {"tags": [*tags, *marks]}}}
        url, headers = f"{self.sim.url}/v1/batch-sessions", {"anchor-api-key": KEY}
        answer = httpx.post(url, headers=headers, json=body, trust_env=False).raise_for_status()
        self.sim.clear_requests()
        return str(answer.json()["data"]["batch_id"])

    def start_many(self, number: int, **how: str) -> list[str]:
        return [self.start(1, **how) for _ in range(number)]  # type: ignore[arg-type]

    @property
    def changes(self) -> list[str]:
        """All requests but reads: "DELETE <batch>", "PATCH <batch>", "DELETE session"."""
        told = (f"{r.method} {r.path}".replace("/v1/batch-sessions/", "") for r in self.sim.requests)
        return ["DELETE session" if "/v1/sessions/" in one else one for one in told if not one.startswith("GET")]

    @property
    def there(self) -> set[str]:
        """The batches that were not deleted."""
        return {batch_id for batch_id, batch in self.sim.batches.items() if not batch.deleted}

    @property
    def running(self) -> set[str]:
        """The batches of which a browser runs."""
        return {session.batch_id for session in self.sim.live_sessions()}
