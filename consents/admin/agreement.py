"""The ledger of agreements: its list, and what it says about one contact."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter, RelatedDropdownFilter
from unfold.decorators import display

from adminsite.filters import TimeRangeFilter
from adminsite.formatting import EMPTY, badge, copyable, link_to, moment
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.searching import as_uuid
from consents.admin.text import document_of
from consents.models import ConsentAgreement, ConsentText
from contacts.admin.naming import NamingAdmin, may_see_contacts
from contacts.admin.searching import contact_named
from contacts.admin.sections import ContactSection, SectionContent, register_section
from contacts.models import Contact

_SHOWN_ON_CONTACT = 100


@admin.register(ConsentAgreement)
class ConsentAgreementAdmin(ReadOnlyAdmin, NamingAdmin):
    list_display = (
        "shown_at",
        "shown_contact",
        "shown_consent",
        "shown_agreed",
        "shown_text",
        "shown_where",
    )
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
    fields = (
        "shown_agreed",
        "shown_consent",
        "shown_contact",
        "shown_at",
        "shown_text",
        "shown_where",
        "request_id",
    )
    instead_of_names = {"shown_contact": "shown_contact_guid"}
    names_contacts = ("contact",)
    readonly_fields = (*fields, *instead_of_names.values())
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

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        agreements = super().get_queryset(request).select_related(*self.list_select_related)
        return agreements.defer("text__short_text", "text__full_text")

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        contact = contact_named(term, by_email=may_see_contacts(request))
        if contact is not None:
            return queryset.filter(contact=contact)
        request_id = as_uuid(term)
        return queryset.filter(request_id=request_id) if request_id else queryset.none()

    @display(description="Time")
    def shown_at(self, agreement):
        return moment(agreement.at)

    @display(description="Contact")
    def shown_contact(self, agreement):
        return link_to(agreement.contact)

    @display(description="Contact")
    def shown_contact_guid(self, agreement):
        return copyable(agreement.contact.guid)

    @display(description="Consent")
    def shown_consent(self, agreement):
        return link_to(agreement.consent)

    @display(description="Answer")
    def shown_agreed(self, agreement):
        return answer_badge(agreement)

    @display(description="Text that was shown")
    def shown_text(self, agreement):
        return link_to(agreement.text, text_name(agreement.text)) if agreement.text else EMPTY

    @display(description="Where")
    def shown_where(self, agreement):
        return agreement.tracked_site or agreement.channel or EMPTY


def answer_badge(agreement: ConsentAgreement):
    """Agreed or revoked."""
    return badge("Agreed", "good") if agreement.agreed else badge("Revoked", "bad")


def text_name(text: ConsentText) -> str:
    """The language and version of a text, such as “de, version 2”."""
    return f"{text.language}, version {text.version}"


def _consents_section(request: HttpRequest, contact: Contact) -> SectionContent:
    ledger = list(
        ConsentAgreement.objects.filter(contact=contact)
        .select_related("consent", "text", "channel", "tracked_site")
        .order_by("-at", "-id")[:_SHOWN_ON_CONTACT]
    )
    current = {agreement.consent_id: agreement for agreement in reversed(ledger)}
    agreed = [answer for answer in current.values() if answer.agreed]
    texts = {answer.text: answer.consent for answer in ledger if answer.text is not None}
    return SectionContent(
        context={
            "current": [(answer, answer_badge(answer)) for answer in current.values()],
            "ledger": [(answer, answer_badge(answer)) for answer in ledger],
            "texts": [
                (consent, text, document_of(text.short_text), _document(text.full_text))
                for text, consent in texts.items()
            ],
            "is_cut": len(ledger) == _SHOWN_ON_CONTACT,
        },
        count=str(len(current) or ""),
        facts=[("Agreed to", ", ".join(answer.consent.name for answer in agreed) or EMPTY)],
    )


def _document(html: str) -> str:
    return document_of(html) if html else ""


register_section(
    ContactSection(
        slug="consents",
        title="Consents",
        position=20,
        permission="consents.view_consentagreement",
        template="consents/sections/consents.html",
        build=_consents_section,
    )
)
