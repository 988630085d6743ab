"""What can be done about a cause: advice, and forms that do it."""

from collections.abc import Callable, Collection
from itertools import islice, product
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from activities.admin.permissions import (
    may_add_activity_types,
    may_change_activity_types,
    may_correct_fields,
    may_map_names,
    may_replay,
    may_see_corrections,
    may_see_mapped_names,
)
from activities.admin.personal_data import hide_emails
from activities.causes import similar_names
from activities.corrections import CODES_OF_PROPERTIES, CORRECTABLE, replacements
from activities.mentions import emails_in
from activities.models import ActivityType, Correction, MappedName, SystemType
from activities.reading_again import can_be_replayed
from activities.replaying import Cause, request_replay
from adminsite.audit import note
from adminsite.permissions import AnyUser, user_of
from contacts.admin.permissions import may_add_contacts, may_see_contacts
from contacts.models import Contact
from database.letter_case import fold
from web.doors import door_named, title_of

type Said = tuple[int, str]

# Of a name that is not a type, or none that takes activities.
CODES_OF_NAMES = ("unknown_type", "disabled_type", "new_event_name", "too_many_new_names")
_LONGEST_NAME = 250
_MOST_TYPES = 1_000
_MOST_REPAIRS = 10
_READ_FOR_EMAILS, _MOST_EMAILS = 50, 5
_WRONG_KEY = "Nothing of it counts: give the sender the right key, and let it send again."
_SETTINGS = "Switch it on in “Settings, Tracking”. What came before can be replayed then."
_RULES = "Change the rules of the type if the sender is right, or correct the field here."
_ADVICE = {
    "unknown_type": "Create the type if these activities are new to the hub. If it has the type "
    "under another name, say which one is meant.",
    "disabled_type": "Enable the type, or say which other one is meant.",
    "new_event_name": "Create the type, say which one is meant, or allow new names on the channel.",
    "too_many_new_names": "Create the type, or say which one is meant. Names with ids or dates in "
    "them have to be changed by their sender.",
    "unknown_contact": "The sender has a GUID that leads to nobody. It has to create a contact, "
    "and to keep the GUID that it gets.",
    "event_tracking_off": _SETTINGS,
    "source_disabled": _SETTINGS,
    "unauthorized": _WRONG_KEY,
    "wrong_key": _WRONG_KEY,
    "unknown_account": _WRONG_KEY,
    "unknown_source": _WRONG_KEY,
    "wrong_channel": _WRONG_KEY,
    "missing_property": _RULES,
    "wrong_property": _RULES,
    "unspecified_property": _RULES,
    "consent": "Nothing: the contact had not agreed when it happened, so it stays unrecorded.",
    "not_agreed": "Nothing: the user had not agreed when it happened.",
    "failed": "The hub itself failed. Its log says more, under the request id; senders send again.",
    "repeated": "Nothing: it counts once.",
}
_MISSING_EMAIL = (
    "Events do not create contacts. As soon as a contact has the email, what came before can be "
    "replayed."
)
_ADVICE_ON_FIELDS = "Correct the field here for what this sender sends, or have the sender changed."
_ADVICE_ON_OTHERS = "The reason says what its sender has to change."


class Scope(models.TextChoices):
    """Whose activities a repair is for."""

    CHANNEL = "channel", "This channel"
    DOOR = "door", "This format, on all channels"
    ALL = "all", "All senders"


def advice_on(code: str, field: str) -> str:
    """What to do about lines with this reason code, which is about this field."""
    if _is_about_missing_email(code, field):
        return _MISSING_EMAIL
    return _ADVICE.get(code) or (_ADVICE_ON_FIELDS if code in CORRECTABLE else _ADVICE_ON_OTHERS)


def known_types() -> dict[str, str]:
    """The code names of the types, with what people call them."""
    types = ActivityType.objects.exclude(code_name=SystemType.DATA_INPUT)
    return dict(types.order_by("pk").values_list("code_name", "name")[:_MOST_TYPES])


def suggestions(cause: Cause, types: dict[str, str]) -> list[str]:
    """The types that may be meant by the name of `cause`, by their code names."""
    if cause.code not in CODES_OF_NAMES or not cause.named:
        return []
    others = {name: title for name, title in types.items() if name != cause.named}
    return similar_names(cause.named, others)


def settled_names(causes: Collection[Cause]) -> set[Cause]:
    """Those of `causes` whose name leads to a type by now: it was mapped, or made a type."""
    named = [one for one in causes if one.code in CODES_OF_NAMES and one.named]
    names = [one.named for one in named]
    mapped = MappedName.objects.filter(sent__fold__in=names)
    mappings = {(fold(sent), *of) for sent, *of in mapped.values_list("sent", "channel", "door")}
    types = ActivityType.objects.filter(code_name__fold__in=names, enabled=True)
    there = {fold(name) for name in types.values_list("code_name", flat=True)}

    def is_settled(cause: Cause) -> bool:
        places = product((None, cause.channel_id), ("", cause.door))
        name = fold(cause.named)
        return name in there or any((name, *place) in mappings for place in places)

    return {one for one in named if is_settled(one)}


def remedies_for(cause: Cause, user: AnyUser) -> dict[str, Any]:
    """What the page of a cause offers this user."""
    is_name = cause.code in CODES_OF_NAMES and 0 < len(cause.named) < _LONGEST_NAME
    is_field = cause.code in CORRECTABLE and bool(cause.field)
    named = ActivityType.objects.with_code_name(cause.named).first() if cause.named else None
    types = known_types() if is_name else {}
    is_missing = is_name and named is None
    is_settled = is_name and cause in settled_names([cause])
    return {
        "advice": advice_on(cause.code, cause.field),
        "in_force": _in_force(cause, user),
        **_adding(cause, user),
        "type": named,
        "is_about_rules": cause.code in CODES_OF_PROPERTIES,
        "meant": suggestions(cause, types) if may_map_names(user) and not is_settled else [],
        "may_create": is_missing and may_add_activity_types(user),
        "may_enable": (
            named is not None and not named.enabled and is_name and may_change_activity_types(user)
        ),
        "map_form": MapForm(types=types) if is_name and may_map_names(user) else None,
        "correct_form": (
            CorrectForm(cause=cause, type=named) if is_field and may_correct_fields(user) else None
        ),
    }


def _is_about_missing_email(code: str, field: str) -> bool:
    # An unknown GUID is refused with the request, and not for a field.
    return code == "unknown_contact" and bool(field)


def _adding(cause: Cause, user: AnyUser) -> dict[str, Any]:
    """The contacts that are missing, for users who may add them; whether others have to ask."""
    if not _is_about_missing_email(cause.code, cause.field):
        return {}
    if not (may_see_contacts(user) and may_add_contacts(user)):
        return {"must_ask_for_contact": True}
    url = reverse("admin:contacts_contact_add")
    emails = _emails_without_contact(cause)
    links = [(one, f"{url}?{urlencode({'email': one})}") for one in emails]
    return {"to_add": links or [("", url)]}


def _emails_without_contact(cause: Cause) -> list[str]:
    """The emails in the newest lines of `cause` that wait, as far as nobody has them by now."""
    newest = cause.lines.filter(can_be_replayed()).order_by("-at", "-pk")
    payloads = newest.values_list("payload", flat=True)[:_READ_FOR_EMAILS]
    sent = dict.fromkeys(email for one in payloads for email in emails_in(bytes(one)))
    missing = (one for one in sent if not Contact.objects.with_email(one).exists())
    return list(islice(missing, _MOST_EMAILS))


def _in_force(cause: Cause, user: AnyUser) -> list[MappedName | Correction]:
    """What is done about it by now, as far as this user may see that."""
    found: list[MappedName | Correction] = []
    if cause.code in CODES_OF_NAMES and cause.named and may_see_mapped_names(user):
        found += (
            MappedName.objects.filter(sent__fold=cause.named)
            .select_related("type")
            .order_by("pk")[:_MOST_REPAIRS]
        )
    if cause.code in CORRECTABLE and may_see_corrections(user):
        corrections = Correction.objects.filter(code=cause.code, field=cause.field)
        found += corrections.order_by("pk")[:_MOST_REPAIRS]
    return found


class _RepairForm(forms.Form):
    scope = forms.ChoiceField(
        label="For what is sent by",
        choices=Scope.choices,
        initial=Scope.CHANNEL,
        widget=UnfoldAdminSelectWidget,
    )


class MapForm(_RepairForm):
    """Asks which type is meant by a name."""

    prefix = "map"
    field_order = ("type", "scope")

    type = forms.ChoiceField(label="It is meant as", widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, types: dict[str, str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["type"].choices = [  # type: ignore[attr-defined]
            (code_name, f"{name} ({code_name})")
            for code_name, name in sorted(types.items(), key=lambda item: item[1].lower())
        ]


class CorrectForm(_RepairForm):
    """Asks how the hub corrects a field."""

    prefix = "correct"
    field_order = ("action", "text", "of_type", "scope")

    action = forms.ChoiceField(
        label="What is done", widget=UnfoldAdminSelectWidget(attrs={"x-model": "action"})
    )
    text = forms.CharField(
        label="Text",
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="To fill in: the text. To replace: a line for each value, such as UK = GBR.",
    )
    of_type = forms.ChoiceField(label="Of activities", widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, cause: Cause, type: ActivityType | None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        actions = CORRECTABLE.get(cause.code, ())
        choices = [(action.value, action.label) for action in actions]
        self.fields["action"].choices = choices  # type: ignore[attr-defined]
        self.initial["action"] = next(iter(actions), "")
        kinds = [("type", f"of the type “{type}”")] if type else []
        self.fields["of_type"].choices = [*kinds, ("all", "of all types")]  # type: ignore[attr-defined]
        if not {Correction.Action.REPLACE, Correction.Action.DEFAULT} & set(actions):
            del self.fields["text"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        action, text = cleaned.get("action"), cleaned.get("text", "")
        if action == Correction.Action.DEFAULT and not text.strip():
            self.add_error("text", "Write the text that the hub fills in.")
        if action == Correction.Action.REPLACE and not replacements(text):
            self.add_error("text", "Write a line for each value, such as UK = GBR.")
        return cleaned


def carry_out(request: HttpRequest, cause: Cause) -> Said:
    """Do what the form of a cause's page asks for, and say what came of it.

    :raises PermissionDenied: if the user may not, or not any more
    """
    act = _ACTS.get(request.POST.get("do", ""))
    if act is None:
        return messages.ERROR, "There is no such thing to do."
    may, function = act
    if not may(request.user):
        raise PermissionDenied
    return function(request, cause)


def _create_type(request: HttpRequest, cause: Cause) -> Said:
    if cause.code not in CODES_OF_NAMES or not 0 < len(cause.named) < _LONGEST_NAME:
        return messages.ERROR, "This is no name of a type."
    if existing := ActivityType.objects.with_code_name(cause.named).first():
        return messages.INFO, f"The activity type “{existing.code_name}” is there already."
    door = door_named(cause.door)
    names = bool(door and door.name_type)
    title = request.POST.get("name", "").strip() or cause.named
    new = ActivityType(
        code_name=cause.named, name=title[:_LONGEST_NAME], door=cause.door if names else ""
    )
    try:
        new.full_clean()
        with transaction.atomic():
            new.save()
    except ValidationError as error:
        return messages.ERROR, " ".join(error.messages)
    except IntegrityError:  # another user was faster
        return messages.INFO, f"The activity type “{cause.named}” is there already."
    _log(request, new, ADDITION, "Created from the inspector.")
    return messages.SUCCESS, f"The activity type “{new.code_name}” is there from now on."


def _enable_type(request: HttpRequest, cause: Cause) -> Said:
    named = ActivityType.objects.with_code_name(cause.named).first() if cause.named else None
    if named is None:
        return messages.ERROR, "The type is not there any more."
    if named.enabled:
        return messages.INFO, f"“{named}” is enabled already."
    named.enabled = True
    named.save(update_fields=["enabled"])
    _log(request, named, CHANGE, "Enabled from the inspector.")
    return messages.SUCCESS, f"“{named}” takes activities from now on."


def _map_name(request: HttpRequest, cause: Cause) -> Said:
    if cause.code not in CODES_OF_NAMES or not 0 < len(cause.named) < _LONGEST_NAME:
        return messages.ERROR, "This is no name of a type."
    form = MapForm(request.POST, types=known_types())
    if not form.is_valid():
        return messages.ERROR, "Choose a type that is there: it may have been deleted meanwhile."
    meant = ActivityType.objects.with_code_name(form.cleaned_data["type"]).first()
    if meant is None:
        return messages.ERROR, "The type is not there any more."
    mapped = MappedName(sent=cause.named, type=meant, **_place(cause, form.cleaned_data["scope"]))
    if problem := _save(mapped):
        return messages.ERROR, problem
    _log(request, mapped, ADDITION, f"Mapped to {meant.code_name} from the inspector.")
    return messages.SUCCESS, f"“{cause.named}” is recorded as “{meant}” from now on."


def _correct_field(request: HttpRequest, cause: Cause) -> Said:
    named = ActivityType.objects.with_code_name(cause.named).first() if cause.named else None
    form = CorrectForm(request.POST, cause=cause, type=named)
    if not form.is_valid():
        return messages.ERROR, " ".join(str(error) for of in form.errors.values() for error in of)
    given = form.cleaned_data
    correction = Correction(
        code=cause.code,
        field=cause.field,
        type=named if given["of_type"] == "type" else None,
        action=given["action"],
        text=given.get("text", ""),
        **_place(cause, given["scope"]),
    )
    if problem := _save(correction):
        return messages.ERROR, problem
    _log(request, correction, ADDITION, "Added from the inspector.")
    return messages.SUCCESS, f"{cause.field} is corrected from now on, and in what is replayed."


def _replay(request: HttpRequest, cause: Cause) -> Said:
    line = request.POST.get("line", "")
    only = int(line) if line.isascii() and line.isdecimal() and len(line) < 19 else None
    if line and only is None:
        return messages.ERROR, "There is no such line."
    replay = request_replay(cause, user_of(request), line=only)
    if replay is None:
        return messages.INFO, "Nothing is left to replay: it was replayed, or cannot be."
    # What else is done here changes rows, and is in the log as that.
    named = hide_emails(" · ".join(filter(None, (cause.code, cause.field, cause.named))))
    note(f"Had {_lines(replay.total)} replayed.", model=replay, name=named)
    return (
        messages.SUCCESS,
        f"A worker replays {_lines(replay.total)}. “Replays” says how far it is.",
    )


def _lines(number: int) -> str:
    return "one line" if number == 1 else f"{number:,} lines"


def _place(cause: Cause, scope: str) -> dict[str, Any]:
    return {
        "channel_id": cause.channel_id if scope == Scope.CHANNEL else None,
        "door": cause.door if scope == Scope.DOOR else "",
    }


def _save(repair: MappedName | Correction) -> str:
    """Save a repair, and return why that cannot be, if so."""
    try:
        repair.full_clean()
        with transaction.atomic():
            repair.save()
    except ValidationError as error:
        return " ".join(error.messages)
    except IntegrityError:  # another user was faster, or the type or the channel is gone
        return "This could not be saved, because something changed meanwhile. Try once more."
    return ""


def _log(request: HttpRequest, row: models.Model, flag: int, text: str) -> None:
    LogEntry.objects.create(
        user=user_of(request),
        content_type_id=get_content_type_for_model(row).pk,
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=flag,
        change_message=text,
    )


def sender_of(cause: Cause, channel_name: str) -> str:
    """Who sent what was refused: the format and the channel."""
    return f"{channel_name or 'Unknown sender'} · {title_of(cause.door)}"


_ACTS: dict[str, tuple[Callable[[AnyUser], bool], Callable[[HttpRequest, Cause], Said]]] = {
    "create": (may_add_activity_types, _create_type),
    "enable": (may_change_activity_types, _enable_type),
    "map": (may_map_names, _map_name),
    "correct": (may_correct_fields, _correct_field),
    "replay": (may_replay, _replay),
}
