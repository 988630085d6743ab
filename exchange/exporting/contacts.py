"""What an exported file of contacts has. `docs/import-export.md` is the contract of it."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import QueryDict

from activities.admin.permissions import may_see_activities
from activities.models import ContactSeen
from consents.admin.permissions import may_see_agreements
from consents.models import Consent, CurrentAnswer
from contacts.admin.permissions import may_see_tags
from contacts.models import Contact, ContactTag
from contacts.profile import FIELDS
from database.lookups import Among
from exchange.exporting.fields import Field, Kind
from exchange.exporting.sources import ROWS_AT_A_TIME, Source, field_of, register_source
from exchange.importing.tags import quoted
from groups.admin.permissions import may_see_groups
from groups.models import ContactGroup, Membership

# Between the names in a cell.
SEPARATOR = "; "
_CONSENT, _VERSION = "consent:", "consent_version:"


@dataclass(frozen=True)
class _Answer:
    says: str
    text: str


@dataclass
class _Row:
    """A contact, and what other tables have about it."""

    contact: Contact
    seen: ContactSeen | None = None
    tags: list[str] = field(default_factory=list)
    # By code name, since when.
    groups: Mapping[str, datetime] = field(default_factory=dict)
    answers: Mapping[str, _Answer] = field(default_factory=dict)


def _fields(user: User, query: str) -> list[Field]:
    fields = [_of_contact("guid"), *map(_of_contact, FIELDS), _of_contact("created_at")]
    if may_see_activities(user):
        fields += [_seen("first_seen", "First activity"), _seen("last_seen", "Last activity")]
    if may_see_tags(user):
        fields.append(_names("tags", "Tags", lambda row: [quoted(name) for name in row.tags]))
    if may_see_groups(user):
        fields.append(_names("groups", "Contact groups", lambda row: sorted(row.groups)))
        if group := QueryDict(query).get("group"):
            fields.append(
                Field(
                    name="member_since",
                    title=f"In {group} since",
                    read=lambda row: row.groups.get(group),
                    kind=Kind.TIME,
                )
            )
    if may_see_agreements(user):
        for consent in Consent.objects.order_by(Lower("code_name")):
            fields += _of_consent(consent.code_name, consent.name)
    return fields


def _of_contact(name: str) -> Field:
    of = field_of(Contact, name)
    return Field(
        name=of.name, title=of.title, kind=of.kind, read=lambda row: getattr(row.contact, name)
    )


def _seen(name: str, title: str) -> Field:
    return Field(
        name=name, title=title, kind=Kind.TIME, read=lambda row: getattr(row.seen, name, None)
    )


def _names(name: str, title: str, of: Callable[[_Row], list[str]]) -> Field:
    return Field(name=name, title=title, read=lambda row: SEPARATOR.join(of(row)))


def _of_consent(code_name: str, name: str) -> Iterator[Field]:
    def says(row: _Row) -> str | None:
        answer = row.answers.get(code_name)
        return answer.says if answer else None

    def text(row: _Row) -> str | None:
        answer = row.answers.get(code_name)
        return answer.text if answer else None

    # The same in words: with the code name it is known again when the file comes in.
    consent, version = f"{_CONSENT}{code_name}", f"{_VERSION}{code_name}"
    yield Field(name=consent, title=consent, read=says, label=f"{name}: answer")
    yield Field(name=version, title=version, read=text, label=f"{name}: text that was shown")


def _rows(contacts: QuerySet, names: frozenset[str], user: User) -> Iterator[_Row]:
    ids = list(contacts.values_list("pk", flat=True))
    seen = (
        {one.contact_id: one for one in ContactSeen.objects.filter(Among("contact", ids))}
        if names & {"first_seen", "last_seen"}
        else {}
    )
    tags = _tags(ids) if "tags" in names else {}
    groups = _groups(ids) if names & {"groups", "member_since"} else {}
    is_asked = any(name.startswith((_CONSENT, _VERSION)) for name in names)
    answers = _answers(ids) if is_asked else {}
    for contact in contacts.iterator(chunk_size=ROWS_AT_A_TIME):
        pk = contact.pk
        yield _Row(
            contact,
            seen.get(pk),
            tags.get(pk, []),
            groups.get(pk, {}),
            answers.get(pk, {}),
        )


def _tags(ids: list[int]) -> dict[int, list[str]]:
    # A merge may have left a tag twice.
    pairs = ContactTag.objects.filter(Among("contact", ids)).order_by(Lower("tag__name"))
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for contact, name in pairs.values_list("contact", "tag__name"):
        found[contact][name] = None
    return {contact: list(names) for contact, names in found.items()}


def _groups(ids: list[int]) -> dict[int, dict[str, datetime]]:
    groups = dict(ContactGroup.objects.with_members().values_list("pk", "code_name"))
    found: dict[int, dict[str, datetime]] = defaultdict(dict)
    members = Membership.objects.filter(Among("contact", ids))
    for contact, group, since in members.values_list("contact", "group", "since"):
        if group in groups:
            found[contact][groups[group]] = since
    return found


def _answers(ids: list[int]) -> dict[int, dict[str, _Answer]]:
    answers = CurrentAnswer.objects.filter(Among("contact", ids)).with_whether_they_count()
    found: dict[int, dict[str, _Answer]] = defaultdict(dict)
    for contact, code, agreed, counts, language, version in answers.values_list(
        "contact", "consent__code_name", "agreed", "counts", "text__language", "text__version"
    ):
        # A yes to an earlier text, where such count no more, is none.
        says = "no" if not agreed else "yes" if counts else "earlier"
        text = f"{language} {version}" if language else ""
        found[contact][code] = _Answer(says, text)
    return found


register_source(Contact, Source(fields=_fields, rows=_rows, with_list=False))
