"""The ledger of agreements: its list, and what it says about one contact."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, RelatedDropdownFilter

from adminsite.columns import Badge, Column, Link, Moment
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import EMPTY, link_to, moment
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import AnyUser, May
from adminsite.searching import as_uuid
from consents.admin.permissions import may_see_agreements
from consents.admin.text import document_of
from consents.models import ConsentAgreement, CurrentAnswer
from contacts.admin.naming import ContactColumn, NamingAdmin
from contacts.admin.permissions import may_see_contacts
from contacts.admin.searching import contact_named
from contacts.admin.sections import ContactSection, SectionContent, count_text, register_section
from contacts.admin.timeline import Entry, EntryKind, register_entries, searching
from contacts.models import Contact

_SHOWN_ON_CONTACT = 100


def text_that_was_shown(agreement: ConsentAgreement) -> str | None:
    """A link to the text, by its language and version."""
    text = agreement.text
    return link_to(text, f"{text.language}, version {text.version}") if text else None


def where(agreement: ConsentAgreement) -> object:
    """The website or app that asked."""
    return agreement.tracked_site or agreement.channel


def register_way(column: Column) -> None:
    """Show on the page of each agreement how it came, as far as a room above knows."""
    _ways.append(column)


@dataclass(frozen=True)
class LedgerLink:
    """A link above the answers of a contact, for users who `may_see` where it leads."""

    title: str
    icon: str
    may_see: May
    url_of: Callable[[Contact], str]


def register_ledger_link(link: LedgerLink) -> None:
    """Show a link to something else about the answers of a contact."""
    _links.append(link)


_ways: list[Column] = []
_links: list[LedgerLink] = []
_TIME = Moment("at", "Time")
_CONTACT = ContactColumn()
_CONSENT = Link("consent")
_ANSWER = Badge("agreed", "Answer", labels={True: ("Agreed", "good"), False: ("Revoked", "bad")})
_TEXT = Column(text_that_was_shown)
_WHERE = Column(where)
_CAME_BY = Column("came_by", "How it came")


@admin.register(ConsentAgreement)
class ConsentAgreementAdmin(ReadOnlyAdmin, NamingAdmin):
    list_display = (_TIME, _CONTACT, _CONSENT, _ANSWER, _TEXT, _WHERE)
    list_filter = (
        ("consent", RelatedDropdownFilter),
        ("agreed", BooleanRadioFilter),
        ("at", TimeRangeFilter),
    )
    list_select_related = ("contact", "consent", "text", "channel", "tracked_site")
    ordering = ("-at", "-id")
    sortable_by = ()
    search_fields = ("contact__guid",)
    search_help_text = "GUID or whole email of a contact, or request id"
    fields = (_ANSWER, _CONSENT, _CONTACT, _TIME, _TEXT, _WHERE, _CAME_BY, "request_id")
    names_contacts = ("contact",)
    empty_state = EmptyState(
        icon="how_to_reg",
        title="No agreements yet",
        text=(
            "Whenever a contact agrees to a consent or revokes it, the answer is added here, with "
            "the exact text that was shown. Answers are never changed."
        ),
        link_text="Go to the consents",
        link_view="admin:consents_consent_changelist",
    )

    def get_fields(self, request: HttpRequest, obj: ConsentAgreement | None = None) -> tuple:
        return (*super().get_fields(request, obj), *_ways)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        agreements = super().get_queryset(request).select_related(*self.list_select_related)
        return agreements.defer("text__short_text", "text__full_text")

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        contact = contact_named(term, by_email=may_see_contacts(request.user))
        if contact is not None:
            return queryset.filter(contact=contact)
        request_id = as_uuid(term)
        return queryset.filter(request_id=request_id) if request_id else queryset.none()


def _consents_section(request: HttpRequest, contact: Contact) -> SectionContent:
    newest = list(
        ConsentAgreement.objects.filter(contact=contact)
        .select_related("consent", "text", "channel", "tracked_site")
        .order_by("-at", "-id")[: _SHOWN_ON_CONTACT + 1]
    )
    ledger, is_cut = newest[:_SHOWN_ON_CONTACT], len(newest) > _SHOWN_ON_CONTACT
    answers = CurrentAnswer.objects.filter(contact=contact).select_related("consent")
    current = list(answers.order_by("-at"))
    texts = {answer.text: answer.consent for answer in ledger if answer.text is not None}
    return SectionContent(
        context={
            "current": [(answer, _ANSWER(answer)) for answer in current],
            "ledger": [(answer, _ANSWER(answer)) for answer in ledger],
            "texts": [
                (consent, text, document_of(text.short_text), _document(text.full_text))
                for text, consent in texts.items()
            ],
            "is_cut": is_cut,
            "links": [
                (link, link.url_of(contact)) for link in _links if link.may_see(request.user)
            ],
        },
        count=count_text(len(current)),
        facts=[("Consents", _card(current) or EMPTY)],
    )


def _card(current: list[CurrentAnswer]) -> SafeString:
    """What a contact says to each consent, and since when."""
    return format_html_join(
        "",
        '<span class="block">{} {}, {}</span>',
        ((_ANSWER(answer), answer.consent.name, moment(answer.at)) for answer in current),
    )


def _document(html: str) -> str:
    return document_of(html) if html else ""


register_section(
    ContactSection(
        slug="consents",
        title="Consents",
        position=20,
        may_see=may_see_agreements,
        template="consents/sections/consents.html",
        build=_consents_section,
    )
)


def _agreements_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    agreements = contact.agreements.select_related("consent", "text", "channel", "tracked_site")
    return [agreements.defer("text__short_text", "text__full_text")]


def _entries(
    contact: Contact, agreements: list[ConsentAgreement], user: AnyUser
) -> Iterator[Entry]:
    for agreement in agreements:
        shown = {
            "answer": _ANSWER(agreement),
            "text": text_that_was_shown(agreement),
            "where": where(agreement),
        }
        yield Entry(row=agreement, icon="how_to_reg", label="Agreement", shown=shown)


register_entries(
    EntryKind(
        name="agreements",
        title="Agreements",
        position=30,
        may_see=may_see_agreements,
        rows=_agreements_of,
        at="at",
        describe=_entries,
        template="consents/timeline/agreement.html",
        search=searching("consent__name"),
        narrow={"channel": lambda rows, pk: rows.filter(channel=pk)},
    )
)
