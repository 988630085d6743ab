"""Which texts the database can keep, and JSON can carry."""

import re

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# What users read: without the text, for no page can show it, either.
UNSTORABLE = "There is a character in it that no text can have. Type it anew without that."


def is_storable(text: str) -> bool:
    """Whether a text has neither NUL nor halves of characters."""
    return _UNSTORABLE.search(text) is None
