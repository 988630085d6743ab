"""Making, finding and checking API keys."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from channels.models import ApiKey, Channel
from database.loop import finish
from database.memory import ShortMemory

_PREFIX = "tl"
# One write a minute and key is enough to tell which keys are still in use.
_LAST_USED_PRECISION = timedelta(minutes=1)


def create_api_key(channel: Channel, *, name: str, **fields) -> tuple[ApiKey, str]:
    """Create a key, and return it with its text, which nobody can read again afterwards."""
    identifier, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        channel=channel,
        name=name,
        identifier=identifier,
        secret_hash=_hash(secret),
        **fields,
    )
    return key, f"{_PREFIX}_{identifier}_{secret}"


def find_api_key(text: str, *, access: str) -> ApiKey | None:
    """What `find_api_key_soon` answers, in a thread."""
    return finish(find_api_key_soon(text, access=access))


async def find_api_key_soon(text: str, *, access: str) -> ApiKey | None:
    """The enabled, unexpired key with this text and access type, with its channel, or None.

    A change of the key or its channel counts within twice REMEMBERED_SECONDS.
    """
    prefix, _, rest = text.partition("_")
    identifier, _, secret = rest.partition("_")
    if prefix != _PREFIX or not secret or not identifier.isalnum() or len(identifier) > 16:
        return None
    key = await _keys.find(identifier)
    if key is None or not constant_time_compare(key.secret_hash, _hash(secret)):
        return None
    if key.access != access or not key.enabled or key.is_expired:
        return None
    return key


def _read_key(identifier: str) -> ApiKey | None:
    keys = ApiKey.objects.select_related("channel__tracking_consent")
    return keys.filter(identifier=identifier).first()


_keys = ShortMemory(_read_key)


def is_use_noted(key: ApiKey) -> bool:
    """Whether it is known already, to the minute, that `key` is in use now."""
    since = timezone.now() - _LAST_USED_PRECISION
    return key.last_used_at is not None and key.last_used_at > since


def note_use(key: ApiKey) -> None:
    """Remember, to the minute, that `key` was just used."""
    if is_use_noted(key) or settings.READ_ONLY:
        return
    now = timezone.now()
    ApiKey.objects.filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _LAST_USED_PRECISION), pk=key.pk
    ).update(last_used_at=now)
    key.last_used_at = now


def _hash(secret: str) -> str:
    # A secret of 256 random bits needs no slow password hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
