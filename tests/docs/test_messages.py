"""Every text that the package can print keeps the rules that a program can check; `messages.py` lists them all."""

from __future__ import annotations

import re

import pytest
from docs.messages import Text, texts
from docs.replaced_words import BANNED

from pulumi_anchorbrowser.words import counted, sessions

COUNTABLE = (
    "batch|session|browser|call|create|cancel|row|receipt|match|warning|resource|page|credit|minute|second|request"
)
# A number from a placeholder, and a noun that would be wrong for 1 or for 2.
UNCOUNTED = re.compile(rf"\{{(?P<value>[^{{}}]+)\}} (?:{COUNTABLE})(?:e?s)?\b")
CONSTANT = re.compile(r"[A-Z_ /0-9]+")
OF_NOTICES = {"info", "warning", "warn_once", "Message"}
OF_COMMANDS = {"Failed", "CommandRefused", "UsageError", "print_note"}
# Not a part that is put into another text.
SENTENCE = re.compile(r"[A-Z]|--")
SENTENCES = re.compile(r"[^.]\. [A-Z`{]")


def test_the_list_has_messages_of_every_kind() -> None:
    listed = "\n".join(one.text for one in texts())
    for text in (
        "Correct the property that the API names, then run again.",
        "give either count or batch_id, not both",
        "cancelled batch {after.batch_id}: {sessions(count)} stopped",
        "Stop everything that meets all criteria.",
        "Nothing was done: there is no terminal to ask on. Give --yes to continue without asking.",
        "the disk is full",
    ):
        assert text in listed
    assert len(texts()) > 350


@pytest.mark.parametrize("pattern", BANNED)
def test_no_text_has_a_word_that_another_one_replaces(pattern: str) -> None:
    assert [one for one in texts() if re.search(pattern, _without_placeholders(one.text))] == [], BANNED[pattern]


def test_no_text_has_two_spaces_in_a_row_or_a_space_before_a_stop() -> None:
    assert [one for one in texts() if re.search(r"\S  +[^ \[]| [.,;:](\s|$)", one.text)] == []


def test_a_number_and_its_noun_are_made_by_the_function_that_knows_plurals() -> None:
    found = [(one, match) for one in texts() for match in UNCOUNTED.finditer(one.text)]
    assert [one for one, match in found if not (CONSTANT.fullmatch(match["value"]) or _is_no_number(match))] == []
    assert [counted(1, "batch", "batches"), counted(2, "row"), counted(0, "row")] == ["1 batch", "2 rows", "0 rows"]
    assert sessions(None) == "an unknown number of sessions"


def test_a_notice_of_one_sentence_has_no_full_stop_and_one_of_several_has() -> None:
    notices = [one for one in texts() if one.function in OF_NOTICES]
    assert len(notices) > 30
    assert [one for one in notices if _has_full_stop(one) is not bool(SENTENCES.search(one.text))] == []


def test_what_a_command_prints_as_an_error_or_a_note_ends_with_a_full_stop() -> None:
    whole = [one for one in texts() if one.function in OF_COMMANDS and SENTENCE.match(one.text)]
    assert len(whole) > 15
    assert [one for one in whole if not _has_full_stop(one)] == []


def test_advice_ends_with_a_full_stop() -> None:
    advice = [one for one in texts() if one.text.endswith((", then run again", "Run the same command again"))]
    assert advice == []


def _has_full_stop(one: Text) -> bool:
    # What is put in at the end has one.
    return one.text.endswith((".", "advice}", "hint}"))


def _is_no_number(match: re.Match[str]) -> bool:
    """Whether a placeholder is a text that stands before a noun: a name, a kind, a verb."""
    return match["value"] in {"resource_type", "verb"}


def _without_placeholders(text: str) -> str:
    return re.sub(r"\{[^{}]*\}", "{}", text)
