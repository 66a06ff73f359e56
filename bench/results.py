"""The results of one run, written as they arrive, so that an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.cells import Cell

FOLDER = Path(__file__).parent / "results"
PUBLISHED = FOLDER / "published.json"
Record = dict[str, Any]


class Results:
    """Records in a file: the measurements of one machine in one state of the project."""

    def __init__(self, path: Path, machine: dict[str, Any]) -> None:
        """What the file holds already, if it is of the same machine and the same state of everything."""
        self._path = path
        self.machine = machine
        self.records: list[Record] = []
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["machine"] == machine:
                self.records = found["records"]

    @classmethod
    def read(cls, path: Path) -> Results:
        """The results in a file, whatever machine they are of."""
        return cls(path, json.loads(path.read_text(encoding="utf-8"))["machine"])

    def has(self, cell: Cell) -> bool:
        """Whether this cell has been measured."""
        return any(_key(record) == _key(vars(cell)) for record in self.records)

    def add(self, cell: Cell, measured: Any) -> None:
        """Keep what was measured, at once."""
        self.records.append(
            {"section": cell.section, "labels": cell.labels, "repeat": cell.repeat, "measured": measured}
        )
        self.write(self._path)

    def write(self, path: Path) -> None:
        """Write everything there is to a file, which is never half written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        text = json.dumps({"machine": self.machine, "records": self.records}, indent=1)
        unfinished.write_text(text + "\n", encoding="utf-8")
        unfinished.replace(path)

    def of(self, section: str, **labels: object) -> dict[int, Any]:
        """What was measured under these labels, by repeat."""
        return {one["repeat"]: one["measured"] for one in self._matching(section, labels)}

    def labels(self, section: str, name: str) -> list[Any]:
        """The values of a label that occur in a section, in their order."""
        return sorted({record["labels"][name] for record in self._matching(section, {})})

    def _matching(self, section: str, labels: dict[str, object]) -> Iterator[Record]:
        for record in self.records:
            if record["section"] == section and labels.items() <= record["labels"].items():
                yield record


def _key(record: Record) -> tuple[Any, ...]:
    return record["section"], record["labels"], record["repeat"]
