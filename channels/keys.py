"""Making, finding and checking API keys."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from channels.models import ApiKey, Channel
from database.loop import finish
from database.memory import ShortMemory
from web.addresses import kept_address

_PREFIX = "tl"
# One write a minute and key is enough to tell which keys are still in use.
_LAST_USED_PRECISION = timedelta(minutes=1)
_LONGEST_ORIGIN = ApiKey._meta.get_field("last_used_origin").max_length


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


class CannotRotate(ValueError):
    """A key opens nothing any more, or was rotated before."""


def rotate_api_key(
    key: ApiKey, *, name: str, ends_at: datetime, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key that opens what `key` does, which is valid until `ends_at`, if not shorter.

    Returns the new key, which is refused from `expires_at` on, if that is given, with its text.

    :raises CannotRotate: if `key` opens nothing, or was rotated before
    """
    with transaction.atomic():
        old = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
        if old.replaced_by_id:
            raise CannotRotate("This key was rotated before. Rotate the key that replaced it.")
        if not old.opens(old.access):
            raise CannotRotate("This key opens nothing any more. Make a new key instead.")
        new, text = create_api_key(old.channel, name=name, access=old.access, expires_at=expires_at)
        old.replaced_by = new
        old.expires_at = ends_at if old.expires_at is None else min(ends_at, old.expires_at)
        old.save(update_fields=["replaced_by", "expires_at"])
    return new, text


def read_api_key(text: str) -> ApiKey | None:
    """What `read_api_key_soon` answers, in a thread."""
    return finish(read_api_key_soon(text))


async def read_api_key_soon(text: str) -> ApiKey | None:
    """The key with this text, with its channel, whether it opens anything or not; or None.

    A change of the key or its channel counts within twice REMEMBERED_SECONDS.
    """
    prefix, _, rest = text.partition("_")
    identifier, _, secret = rest.partition("_")
    if prefix != _PREFIX or not secret or not identifier.isalnum() or len(identifier) > 16:
        return None
    key = await _keys.find(identifier)
    if key is None or not constant_time_compare(key.secret_hash, _hash(secret)):
        return None
    return key


def why_ended(key: ApiKey | None, *, access: str) -> str:
    """What to tell a caller whose `key` of this access type was rotated and has ended, or "".

    The caller has shown its secret. Of other keys that open nothing, nothing is told.
    """
    if key is None or key.access != access or not key.replaced_by_id or not key.is_expired:
        return ""
    assert key.expires_at is not None
    ended = f"{key.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"This API key expired after rotation, at {ended}. Send the key that replaced it."


def _read_key(identifier: str) -> ApiKey | None:
    keys = ApiKey.objects.select_related("channel__tracking_consent")
    return keys.filter(identifier=identifier).first()


_keys = ShortMemory(_read_key)


def is_use_noted(key: ApiKey) -> bool:
    """Whether it is known already, to the minute, that `key` is in use now."""
    since = timezone.now() - _LAST_USED_PRECISION
    return key.last_used_at is not None and key.last_used_at > since


def note_use(key: ApiKey, *, address: str = "", origin: str = "") -> None:
    """Remember, to the minute, that `key` was just used, from this address and website."""
    if is_use_noted(key) or settings.READ_ONLY:
        return
    now = timezone.now()
    used = {
        "last_used_at": now,
        "last_used_address": kept_address(address),
        "last_used_origin": origin.replace("\0", "")[:_LONGEST_ORIGIN],
    }
    ApiKey.objects.filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _LAST_USED_PRECISION), pk=key.pk
    ).update(**used)
    key.last_used_at = now


def _hash(secret: str) -> str:
    # A secret of 256 random bits needs no slow password hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
