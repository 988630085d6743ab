"""Where each field of a contact comes from, what it was before, and the way back to that."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from adminsite.formatting import change_url, link, moment
from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_change_contacts, may_see_contacts, may_see_merges
from contacts.admin.sections import ContactSection, SectionContent, count_text, register_section
from contacts.admin.snapshots import label_of, text_of
from contacts.admin.timeline import Entry, EntryKind, register_entries, searching
from contacts.changes import Origin
from contacts.editing import InvalidContact, update_contact
from contacts.models import Contact, ContactChange
from contacts.profile import FIELDS

# Older changes are in the timeline.
_READ = 500
_SLUG = "history"
_REVERT = (
    '<button type="submit" form="revert-a-field" name="field_before" value="{}:{}"'
    ' class="cursor-pointer font-medium text-link">Revert<span class="sr-only"> {}</span></button>'
)


@dataclass(frozen=True)
class Earlier:
    """A value that a field had, until the `change` that replaced it."""

    change: ContactChange
    text: str


@dataclass(frozen=True)
class FieldHistory:
    """A field of a contact: its value, the change that it comes from, and earlier values."""

    name: str
    label: str
    text: str
    change: ContactChange | None
    source: SafeString | str
    earlier: list[Earlier]


def history_of(
    contact: Contact, changes: list[ContactChange], user: AnyUser, *, is_cut: bool = False
) -> list[FieldHistory]:
    """The fields that `contact` has or had, by their `changes`, the newest of which comes first.

    If it `is_cut`, there are older changes.
    """
    unknown = "An older change" if is_cut else "Before changes were kept"
    found = []
    for name in FIELDS:
        own = [change for change in changes if name in change.after]
        text = text_of(name, {name: getattr(contact, name)})
        if not (text or own):
            continue
        earlier = [Earlier(change, text_of(name, change.before)) for change in own]
        change = own[0] if own else None
        source = source_of(change, user) if change else unknown
        found.append(FieldHistory(name, label_of(name), text, change, source, earlier))
    return found


type DescribeSource = Callable[[ContactChange, AnyUser], SafeString | str]
type PrepareSource = Callable[[Sequence[ContactChange]], None]

_descriptions: dict[str, DescribeSource] = {}
_preparations: dict[str, PrepareSource] = {}


def register_source(
    source: ContactChange.Source, describe: DescribeSource, prepare: PrepareSource | None = None
) -> None:
    """Have changes from `source` described by a function, such as with a link to where it is.

    `prepare` looks up what `describe` needs, for all changes of a page at once.
    """
    _descriptions[source] = describe
    if prepare is not None:
        _preparations[source] = prepare


def prepare_sources(changes: Iterable[ContactChange]) -> None:
    """Look up what the sources of these changes are called by."""
    by_source = defaultdict(list)
    for change in changes:
        by_source[change.source].append(change)
    for source, of_source in by_source.items():
        if source in _preparations:
            _preparations[source](of_source)


def source_of(change: ContactChange, user: AnyUser) -> SafeString | str:
    """What or who made a change, with a link to it if the user may see its page."""
    describe = _descriptions.get(change.source)
    return describe(change, user) if describe else change.get_source_display()


def revert(contact: Contact, given: Mapping[str, str], user: User) -> tuple[int, str]:
    """Give a field the value that it had before a change, and say what came of it.

    `given` has the name of the field and the key of the change, or both as `field_before`.
    """
    name, _, key = given.get("field_before", "").partition(":")
    name, key = given.get("field", name), given.get("change", key)
    changes = ContactChange.objects.filter(contact=contact)
    change = changes.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
    if change is None or name not in change.before:
        return messages.ERROR, "This value is not known any more: nothing was changed."
    origin = Origin(ContactChange.Source.ADMIN, by=user)
    try:
        update_contact(contact.pk, {name: change.before[name]}, origin)
    except InvalidContact as error:
        return messages.ERROR, f"{label_of(name)} was not changed. {error.detail}"
    return messages.SUCCESS, f"{label_of(name)} is what it was before."


def explain_fields_of(form: ModelForm, sections: Iterable[dict[str, Any]]) -> None:
    """Say below each field of a form where its value comes from, with the way back.

    One of the `sections` knows. The button belongs to a form of its own, which the page has: the
    Enter key saves, as ever.
    """
    shown = [one["content"].context for one in sections if one["section"].slug == _SLUG]
    for history in shown[0]["fields"] if shown else ():
        may_revert = shown[0]["may_revert"]
        field = form.fields.get(history.name)
        if field is None:
            continue
        change = history.change
        lines = [format_html("From: {}{}", history.source, _since(change))]
        if change and history.earlier and history.earlier[0].text != history.text:
            lines.append(format_html("Before: {}", history.earlier[0].text or "empty"))
            if may_revert:
                lines.append(format_html(_REVERT, history.name, change.pk, history.label))
        told = ((one,) for one in (field.help_text, *lines) if one)
        field.help_text = format_html_join(" · ", "{}", told)


def _since(change: ContactChange | None) -> SafeString | str:
    return format_html(", {}", moment(change.at)) if change else ""


def _by_a_user(change: ContactChange, user: AnyUser) -> str:
    return change.by.get_username() if change.by else "A user who was deleted"


def _by_a_merge(change: ContactChange, user: AnyUser) -> SafeString | str:
    text = change.get_source_display()
    if change.merge is None or not may_see_merges(user):
        return text
    return link(change_url(change.merge), text)


def _section(request: HttpRequest, contact: Contact) -> SectionContent:
    newest = list(
        ContactChange.objects.filter(contact=contact)
        .select_related("by", "merge")
        .order_by("-at", "-id")[: _READ + 1]
    )
    changes, is_cut = newest[:_READ], len(newest) > _READ
    prepare_sources(changes)
    may_revert = may_change_contacts(request.user) and contact.merged_into_id is None
    return SectionContent(
        context={
            "fields": history_of(contact, changes, request.user, is_cut=is_cut),
            "may_revert": may_revert,
            "is_cut": is_cut,
        },
        count=count_text(len(changes), is_cut=is_cut),
    )


def _changes_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    return [contact.changes.select_related("by", "merge")]


def _entries(contact: Contact, changes: list[ContactChange], user: AnyUser) -> Iterator[Entry]:
    prepare_sources(changes)
    for change in changes:
        fields = [
            (label_of(name), text_of(name, change.before), text_of(name, change.after))
            for name in FIELDS
            if name in change.after
        ]
        shown: dict[str, object] = {"fields": fields, "source": source_of(change, user)}
        yield Entry(row=change, icon="edit", label="Change", shown=shown)


register_source(ContactChange.Source.ADMIN, _by_a_user)
register_source(ContactChange.Source.MERGE, _by_a_merge)
register_source(ContactChange.Source.UNDO, _by_a_merge)
register_section(
    ContactSection(
        slug=_SLUG,
        title="Field history",
        position=50,
        may_see=may_see_contacts,
        template="contacts/sections/history.html",
        build=_section,
    )
)
register_entries(
    EntryKind(
        name="changes",
        title="Changes",
        position=25,
        may_see=may_see_contacts,
        rows=_changes_of,
        at="at",
        describe=_entries,
        template="contacts/timeline/change.html",
        search=searching("before", "after"),
    )
)
