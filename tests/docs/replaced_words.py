"""Words that no text and no page uses, as patterns, each with what to write in its place."""

from __future__ import annotations

# Words of version 1, each with what to write in its place.
BANNED = {
    r"\b[Ll]eft alone\b": "skipped (with a reason)",
    r"\b[Tt]old\b|\b[Tt]ell\b": "report",
    r"\bpatience\b": "wait, time out, retry after",
    r"\b(look|ask|asking|asked|looked|looks) again\b": "retry, read again",
    r"\bunanswered\b|\bunsettled\b": "interrupted",
    r"\bsuperseded\b": "leftover",
    r"\bgarble": "missing or invalid fields",
    r"\b(go|goes|going) on\b": "continue",
    r"\b(comes?|came) to\b": "the verb itself",
    r"\b(deal|dealt) with\b": "cancel, delete, end",
    r"\bmeant\b": "match",
    r"\bvolley\b|\bgathering\b": "page, listing",
    r"\banswer(s|ed)?\b": "response, respond",
    r"\bInput should be\b": "must",
    r"\(s\)": "a plural by `counted`",
    r"docs/\S+\.md": "an entry that `pulumi-anchorbrowser explain` prints",
}
