"""Faults put into the core on purpose, each in one line: the model check has to find every one of them."""

from __future__ import annotations

from typing import NamedTuple

NEXT_STEP, FOLD, RUN, TRAIL, INTERRUPTED = (
    f"lifecycle/{name}.py" for name in ("next_step", "fold", "run", "trail", "interrupted")
)
BATCHES, LOOKS = "lifecycle/batches.py", "lifecycle/looks.py"


class Mutation(NamedTuple):
    """One line of a file, what it becomes, and how the report of the promise that then breaks begins."""

    name: str
    file: str
    old: str
    new: str
    breaks: tuple[str, ...]


ORPHAN, COUNT, STOPPED = "no orphan", "no wrong count", "a stop succeeded"
MUTATIONS = [
    Mutation(
        "a create whose response was lost is sent again",
        NEXT_STEP,
        "    step = _search(seen, patience)\n",
        "    step = Start() if len(starts) == 1 else _search(seen, patience)\n",
        ("one POST per create",),
    ),
    Mutation(
        "a single 404 is believed",
        NEXT_STEP,
        "\n    return Pause(SECOND_LOOK_SECONDS, NOT_FOUND)",
        "\n    return _GONE",
        ("the record says deleted", "a refresh dropped"),
    ),
    Mutation(
        "a deletion's 404 is believed of a batch that may be hidden",
        NEXT_STEP,
        "    pause = None if is_expected or had_look else _doubt(seen)\n",
        "    pause = None\n",
        (ORPHAN, STOPPED, "the record says deleted", "a destroy succeeded"),
    ),
    Mutation(
        "another team's 404 is believed",
        NEXT_STEP,
        "    if other is None or other.confirmed or seen.was_answered:\n",
        "    if True:\n",
        ("never gone under another account", "the record says deleted", "a refresh dropped", "a destroy succeeded"),
    ),
    Mutation(
        "a session that still runs is not waited for",
        NEXT_STEP,
        "    if look is None or not (look.running or look.unknown):\n",
        "    if look is None or not look.unknown:\n",
        (STOPPED, "still_running"),
    ),
    Mutation(
        "a batch that is being created counts as settled after a 409",
        NEXT_STEP,
        "    if batch.status in UNFINISHED or may_grow:\n",
        "    if may_grow:\n",
        (STOPPED, ORPHAN, "the record says cancelled"),
    ),
    Mutation(
        "sessions that could not be deleted are not ended",
        NEXT_STEP,
        "    if end is None and named:\n",
        "    if end is None and not named:\n",
        ("the record says deleted", "a destroy succeeded", STOPPED),
    ),
    Mutation(
        "a count is certain although a response was lost",
        FOLD,
        "    return count if is_all or not any(one.was_lost for one in stops) else None\n",
        "    return count\n",
        (COUNT,),
    ),
    Mutation(
        "the second of two deletions does not count",
        FOLD,
        "    return _unless_lost(sum(counted), deletions, total, failed)\n",
        "    return _unless_lost(max(counted), deletions, total, failed)\n",
        (COUNT,),
    ),
    Mutation(
        "a lost deletion is forgotten once the next one was refused",
        FOLD,
        "        return Said(stop, was_lost=entry.outcome.was_lost)\n",
        "        return Said(stop)\n",
        (COUNT,),
    ),
    Mutation(
        "sessions under an unknown word count as ended",
        LOOKS,
        "        return None if self.unknown and not self.running else len(self.running)\n",
        "        return len(self.running)\n",
        ("still_running", STOPPED),
    ),
    Mutation(
        "a run that was killed in mid-call lost nothing",
        FOLD,
        '    was_lost = receipt.was_lost or receipt.outcome in {None, "unknown"}\n',
        "    was_lost = receipt.was_lost\n",
        (COUNT,),
    ),
    Mutation(
        "earlier runs are forgotten",
        RUN,
        "        past = self._past(record, notices) if isinstance(goal, (Cancelled, Deleted, SessionsEnded)) else []\n",
        "        past: list[Said] = []\n",
        (COUNT,),
    ),
    Mutation(
        "no receipt is written before a call",
        RUN,
        "            receipt = self.receipts.begin(operation, subject)\n",
        "            receipt = 0\n",
        (ORPHAN, COUNT),
    ),
    Mutation(
        "nobody notices another account",
        RUN,
        "        other = None if outcome is None else self._other_account(record.account)\n",
        "        other = None\n",
        ("never gone under another account", "the record says deleted", "a refresh dropped", "a destroy succeeded"),
    ),
    Mutation(
        "pending entries of the state are not read",
        INTERRUPTED,
        "        for one in state.pending\n",
        "        for one in ()\n",
        (ORPHAN,),
    ),
    Mutation(
        "receipts of interrupted creates are not read",
        INTERRUPTED,
        "    for receipt in unfinished:\n",
        "    for receipt in ():\n",
        (ORPHAN,),
    ),
    Mutation(
        "a leftover is found and left running",
        TRAIL,
        "        if state is not None or self.is_spared(record.known_id):\n",
        "        if record.known_id:\n",
        (ORPHAN,),
    ),
    Mutation(
        "a create that starts nothing leaves what an interrupted one started",
        BATCHES,
        "        self._trail.before_create(self.runner, inputs, notices)\n",
        "        _ = None if goal is None else self._trail.before_create(self.runner, inputs, notices)\n",
        (ORPHAN,),
    ),
    Mutation(
        "sessions that are visible late are not waited for",
        TRAIL,
        "        return patience_left(self._age(runner, claim), runner.settle_timeout)\n",
        "        return 0.0\n",
        (ORPHAN,),
    ),
]
