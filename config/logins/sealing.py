"""Secrets of second factors, which the database has encrypted with a key made of SECRET_KEY."""

import base64
import logging
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

_log = logging.getLogger(__name__)

_PREFIX = "fernet:"
# What allauth keeps secret: the key of an authenticator app, and what recovery codes are made of.
_SECRETS = ("secret", "seed", "migrated_codes")


def seal(secret: str) -> str:
    """The secret as the database has it."""
    return _PREFIX + _fernet().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret that was sealed; one that is not sealed as it is.

    If it was sealed with a SECRET_KEY that the hub has no longer, that is a line in the log, and
    the answer is a secret that nobody knows: no code fits it.
    """
    if not sealed.startswith(_PREFIX):
        return sealed
    try:
        return _fernet().decrypt(sealed.removeprefix(_PREFIX)).decode()
    except InvalidToken:
        _log.error(
            "A second factor was set up under another SECRET_KEY and cannot be read. "
            "Set that key again, or remove the factor with “reset_second_factor”."
        )
        return base64.b32encode(secrets.token_bytes(20)).decode()


def seal_all(data: dict[str, object]) -> dict[str, object]:
    """What allauth keeps of a second factor, with its secrets sealed; none of them twice."""
    return {name: _sealed(value) if name in _SECRETS else value for name, value in data.items()}


def _sealed(value: object) -> object:
    if isinstance(value, list):
        return [_sealed(one) for one in value]
    return seal(value) if isinstance(value, str) and not value.startswith(_PREFIX) else value


def _fernet() -> MultiFernet:
    return MultiFernet([_of(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _of(key: str | bytes) -> Fernet:
    made = salted_hmac("config.logins.sealing", "second factors", key, algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(made))
