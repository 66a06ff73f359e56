"""One stack on a bad day: everything that its runs print is kept, to be searched for secrets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from crashes.secrets_sought import RENEWED_KEY, secrets_in
from scenarios.one_stack import BATCHES, KEY, OWNER, OneStack
from stages import Stage, StageResult

from pulumi_anchorbrowser.simulator import LoggedRequest, Simulator


class WatchedStack(OneStack):
    """A stack whose every run is listened to."""

    def __init__(self, stage: Stage, sim: Simulator, receipts: Path) -> None:
        super().__init__(stage, sim, receipts)
        self.receipts = receipts
        self.told: list[str] = []
        self.struck: Counter[str] = Counter()

    def run(self, command: Callable[..., StageResult], **options: Any) -> StageResult:
        result = super().run(command, **options)
        self.struck.update(request.fault for request in self.requests if request.fault)
        self.told += [result.text, *(line.message for line in result.diagnostics + result.status)]
        return result

    def told_no_secret(self) -> None:
        """Nothing that was printed, and no error, warning or progress, holds a secret."""
        assert self.told
        assert [secrets_in(text.encode()) for text in self.told if secrets_in(text.encode())] == []

    def destroyed_in_the_end(self) -> None:
        """A destroy on a good day; then nothing runs at all."""
        self.sim.faults.clear()
        self.destroy()
        assert self.sim.live_sessions() == []

    def known_ids(self) -> set[str]:
        """Every batch that the state knows. A plugin's create of unknown outcome leaves a resource without one."""
        resources = self.stage.export()["deployment"].get("resources") or []
        batches = [r["outputs"].get("batch_id") for r in resources if r["type"].endswith(":Batch")]
        return {batch for batch in batches if batch}

    def live_ids(self) -> set[str]:
        """Every batch of this stack of which a browser runs or is still to be started."""
        return {session.batch_id for session in self.sim.live_sessions(OWNER)}

    def rotate_key(self) -> None:
        """The team gets a new key; the old one, which the stack's config may hold, is refused from now on."""
        self.sim.rotate_key(KEY, RENEWED_KEY)
        self.stage.env["ANCHORBROWSER_API_KEY"] = RENEWED_KEY


def deliver(sim: Simulator, request: LoggedRequest) -> str:
    """Has the API handle a create at last that its client gave up long ago. The batch's id."""
    answer = httpx.post(sim.url + BATCHES, headers={"anchor-api-key": KEY}, json=request.body, trust_env=False)
    return str(answer.raise_for_status().json()["data"]["batch_id"])
