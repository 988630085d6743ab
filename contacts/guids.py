"""GUIDs as clients write them."""

from uuid import UUID

import msgspec


def parse_guid(given: object) -> UUID:
    """The GUID that `given` is, written with hyphens, in letters of any case.

    :raises ValueError: if it is none
    """
    if not isinstance(given, str) or "-" not in given:
        raise ValueError("not a GUID with hyphens")
    # UUID() would take hyphens anywhere, and digits of every script. This is faster, too.
    return msgspec.convert(given, UUID)
