"""What a key opens, for tests that have its text."""

from channels.keys import read_api_key


def find_api_key(text, *, access):
    """The key with this text if it opens this access type, or None."""
    key = read_api_key(text)
    return key if key is not None and key.opens(access) else None
