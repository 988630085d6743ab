"""Saving destinations: what users, files and code do comes here."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from contacts.profile import FIELDS
from database.letter_case import fold
from destinations.kinds import InvalidDestination, kind_of
from destinations.models import Delivery, Destination
from destinations.queues import ensure_queues
from destinations.signing import make_secret
from destinations.texts import UNSTORABLE, is_storable
from groups.rules import InvalidRule, parse, to_json

# For so long after a rotation the secret before signs as well.
OVERLAP = timedelta(hours=24)

# Who else writes these does it under a lock of its own.
_WRITTEN_ELSEWHERE = (
    *("created_at", "enabled_at", "enabled_in", "paused_at", "paused_by"),
    *("earlier_secret", "earlier_secret_until"),
)
# What one kind has and another has not, or has otherwise.
_OF_A_KIND = ("url", "headers", "mapping", "options", "credentials", "secret")
_NAMES = ("activities", "groups", "consents")


@transaction.atomic
def save_destination(
    destination: Destination,
    changed: Collection[str] | None = None,
    *,
    may_lack_credentials: bool = False,
) -> None:
    """Check and save a destination, with lists, rule and mapping in their normal form.

    A webhook without a secret gets one. One that is given another secret signs with both for a
    while, as after a rotation. It is never paused or resumed by saving.

    :param changed: the columns that the caller has set; without, all that users edit
    :param may_lack_credentials: whether it is saved without what it needs to deliver, as
        configuration files have it: then deliveries say what is missing, and are tried again by
        the plan, for three days
    :raises ValidationError: with the field of the first mistake, or of each if Django finds them
    """
    old = Destination.objects.select_for_update(no_key=True).filter(pk=destination.pk).first()
    if old is None and not destination._state.adding:
        raise ValidationError("Another user has deleted this destination meanwhile.")
    if old is not None:
        _take_over(destination, old, changed)
    check_destination(destination)
    kind = kind_of(destination)
    if kind.has_mapping and not destination.secret:
        destination.secret = make_secret()
    if not may_lack_credentials and (lack := kind.lacks(destination)):
        raise ValidationError({"secret" if kind.has_mapping else "credentials": lack})
    if not kind.has_mapping:
        _keep("", destination, OVERLAP)
    elif old is not None and old.secret and old.secret != destination.secret:
        _keep(old.secret, destination, OVERLAP)
    destination.full_clean()
    destination.save(force_insert=old is None, force_update=old is not None)
    ensure_queues([destination.pk])


@transaction.atomic
def rotate_secret(destination: Destination, *, overlap: timedelta = OVERLAP) -> str:
    """Give a webhook a new secret and return it; the one before signs as well for a while.

    :param overlap: nothing if the secret before is known to others, who could go on with it
    :raises ValidationError: if it is no webhook, or was deleted meanwhile
    """
    row = Destination.objects.select_for_update(no_key=True).filter(pk=destination.pk).first()
    if row is None:
        raise ValidationError("Another user has deleted this destination meanwhile.")
    if not kind_of(row).has_mapping:
        raise ValidationError("Only webhooks have a secret.")
    _keep(row.secret, row, overlap)
    row.secret = make_secret()
    row.save(update_fields=["secret", "earlier_secret", "earlier_secret_until"])
    for name in ("secret", "earlier_secret", "earlier_secret_until"):
        setattr(destination, name, getattr(row, name))
    return row.secret


def check_destination(destination: Destination) -> None:
    """Refuse what cannot be, and bring lists, rule and mapping into their normal form.

    :raises ValidationError: with the field of the first mistake
    """
    if destination.type not in Destination.Type.values:
        raise ValidationError({"type": "There is no such kind of destinations."})
    kind = kind_of(destination)
    if kind.has_url and not destination.url:
        destination.url = kind.default_url
    for name in _NAMES:
        setattr(destination, name, _names(name, getattr(destination, name)))
    destination.fields = _fields(destination.fields)
    destination.rule = _rule(destination.rule)
    if destination.mapping in ([], ""):
        destination.mapping = None
    try:
        kind.check(destination)
    except InvalidDestination as error:
        raise _refused(error) from error


def forget_other_kind(destination: Destination, given: Collection[str]) -> None:
    """Empty what was of the kind before, when a destination becomes one of another kind.

    :param given: the columns that stay as they are, for they are meant for the new kind
    """
    for field in Destination._meta.fields:
        if field.name in _OF_A_KIND and field.name not in given:
            setattr(destination, field.name, field.get_default())


def _take_over(destination: Destination, old: Destination, changed: Collection[str] | None) -> None:
    """Keep what others have written since the caller read the destination."""
    for field in Destination._meta.fields:
        is_kept = changed is not None and field.name not in changed
        if field.name in _WRITTEN_ELSEWHERE or (is_kept and field.editable):
            setattr(destination, field.attname, getattr(old, field.attname))
    if old.type == destination.type:
        _check_fixed(destination, old)
        return
    forget_other_kind(
        destination,
        [name for name in _OF_A_KIND if getattr(old, name) != getattr(destination, name)],
    )
    if Delivery.objects.filter(destination=old).exists():
        raise ValidationError(
            {
                "type": "It has deliveries in the format of its kind, so that stays. Add another "
                "destination."
            }
        )


def _check_fixed(destination: Destination, old: Destination) -> None:
    """Refuse another value of an option that deliveries rely on. A test leaves nothing behind."""
    changed = [
        option
        for option in kind_of(old).options
        if option.why_fixed
        and old.options.get(option.name) != (destination.options or {}).get(option.name)
    ]
    sent = Delivery.objects.filter(destination=old).exclude(kind=Delivery.Kind.TEST)
    if changed and sent.exists():
        error = InvalidDestination("options", changed[0].why_fixed, changed[0].name)
        raise _refused(error) from error


def _refused(error: InvalidDestination) -> ValidationError:
    place = f"{error.path}: " if error.path else ""
    return ValidationError({error.member: f"{place}{error.detail}"})


def _keep(secret: str, destination: Destination, overlap: timedelta) -> None:
    """Have this secret sign for a while yet."""
    is_kept = bool(secret) and overlap > timedelta()
    destination.earlier_secret = secret if is_kept else ""
    destination.earlier_secret_until = timezone.now() + overlap if is_kept else None


def _names(member: str, value: Any) -> list[str]:
    """Code names, each once in whatever letter case."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValidationError({member: "This has to be a list of code names."})
    names: dict[str, str] = {}
    for one in value:
        if not is_storable(one):
            raise ValidationError({member: UNSTORABLE})
        if not one.strip() or len(one) > 250:
            raise ValidationError({member: "A code name has 1 to 250 characters."})
        names.setdefault(fold(one.strip()), one.strip())
    return list(names.values())


def _fields(value: Any) -> list[str] | None:
    """The chosen fields of contacts, in their usual order; the email is chosen apart."""
    if value is None:
        return None
    known = [name for name in FIELDS if name != "email"]
    if not isinstance(value, list | tuple):
        raise ValidationError({"fields": "This has to be a list of fields, or null for all."})
    for name in value:
        if name == "email":
            raise ValidationError(
                {
                    "fields": "Say by “email”, not here, how the email goes out: as it is, as a "
                    "hash or not at all."
                }
            )
        if not is_storable(str(name)):
            raise ValidationError({"fields": UNSTORABLE})
        if name not in known:
            raise ValidationError(
                {"fields": f"Contacts have no field “{name}”. They have: {', '.join(known)}."}
            )
    return [name for name in known if name in value]


def _rule(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    try:
        return to_json(parse(value))
    except InvalidRule as error:
        raise ValidationError({"rule": str(error)}) from error
