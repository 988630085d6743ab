"""The identifiers by which other formats name a channel: made at random, kept or replaced at will.

Who moves here from another system enters the ones that its websites and apps already send.
"""

import secrets
import uuid

# How many digits the account ids and site ids have that are made here.
_DIGITS = 9


def make_account_id() -> str:
    """A new account id of the ActiveCampaign format: nine digits."""
    return _make_number()


def make_event_key() -> str:
    """A new event key of the ActiveCampaign format: 40 hexadecimal digits."""
    return secrets.token_hex(20)


def make_site_id() -> str:
    """A new site id of the Commanders Act format: nine digits."""
    return _make_number()


def make_source_key() -> str:
    """A new source key of the Commanders Act format: a random UUID."""
    return str(uuid.uuid4())


def _make_number() -> str:
    return str(secrets.choice(range(10 ** (_DIGITS - 1), 10**_DIGITS)))
