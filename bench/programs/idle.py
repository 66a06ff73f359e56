"""(d): the engine alone, on resources that call nothing and whose properties are few and small."""

import pulumi
from bench.programs.idle_provider import IdleProvider
from pulumi.dynamic import Resource


class Idle(Resource):
    """A resource that is nothing."""

    def __init__(self, name: str, count: int, status: str) -> None:
        super().__init__(IdleProvider(), name, {"count": count, "status": status})


config = pulumi.Config()
for number in range(config.require_int("batches")):
    Idle(f"batch-{number}", config.require_int("sessions"), config.get("status") or "active")
