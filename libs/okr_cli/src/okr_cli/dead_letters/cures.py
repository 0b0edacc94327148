"""What to do about a dead letter, by its reason (docs/reason-codes.md)."""

CURES = {
    "bad_headers": "whoever sent it must give its headers names in UTF-8, and send it anew: it cannot be replayed",
    "no_type": "whoever sent it must give it a ce_type, and send it anew: a replay of these bytes dies again",
    "unknown_type": "start a build that knows the type (or mend the sender), then replay it",
    "not_json": "whoever sent it must send JSON: a replay of these bytes dies again, unless the reader was at fault",
    "wrong_shape": "bring sender and reader to the same version, then replay it; bytes that are wrong die again",
    "too_large": "nothing: it was never sent and cannot be replayed; what it tells stands in the database",
    "not_a_request": "ask again with `okr runs start`; replay it only where the reader was at fault",
    "not_storable": "mend what the ledger refused (see why), then replay it; or ask again with `okr runs start`",
}


def cure(reason: str) -> str:
    """In half a sentence.

    >>> cure("unheard_of")
    'see docs/reason-codes.md; mend the cause, then replay it'
    """
    return CURES.get(reason, "see docs/reason-codes.md; mend the cause, then replay it")
