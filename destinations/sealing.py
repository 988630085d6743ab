"""Secrets of destinations, which the database has encrypted with a key made of SECRET_KEY."""

import base64
import json
import logging
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac

_log = logging.getLogger(__name__)


class SealedField(models.TextField):
    """A value of JSON, such as a text or an object, that the database has encrypted.

    An empty value is an empty text there, so constraints can see whether there is one.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return value if value is None else self._unseal(value)

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return _fernet().encrypt(json.dumps(value).encode()).decode() if value else ""

    def to_python(self, value: Any) -> Any:
        return value

    def _unseal(self, sealed: str) -> Any:
        if not sealed:
            return self.get_default()
        try:
            return json.loads(_fernet().decrypt(sealed))
        except InvalidToken:
            _log.error(
                "A secret of a destination was set under another SECRET_KEY and cannot be read. "
                "Set that key again, or give the destination its secrets anew."
            )
            return self.get_default()


def _fernet() -> MultiFernet:
    return MultiFernet([_of(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _of(key: str | bytes) -> Fernet:
    made = salted_hmac("destinations.sealing", "secrets", key, algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(made))
