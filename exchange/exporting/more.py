"""What exports of logs have beside the columns of their lists."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model

from activities.admin.personal_data import hide_in_payload, personal_names
from activities.models import ActivityType, RejectedActivity
from adminsite.models import AuditEntry
from automations.models import Automation, Email, Template
from channels.models import ApiKey, Channel
from consents.models import Consent, ConsentAgreement
from contacts.admin.permissions import may_see_contacts
from contacts.models import ContactMerge, Tag
from destinations.admin.masking import masked_payload
from destinations.models import Delivery
from destinations.signing import id_of
from exchange.exporting.fields import Field, Kind
from exchange.exporting.sources import Source, contact_fields, field_of, register_source
from exchange.models import Export
from groups.models import ContactGroup


def _named(model: type[Model], *names: str, is_proposed: bool = True) -> list[Field]:
    return [field_of(model, name, is_proposed=is_proposed) for name in names]


def _agreements(user: User, query: str) -> list[Field]:
    def of_text(name: str) -> Callable[[Any], object]:
        return lambda row: getattr(row.text, name, None)

    return [
        Field(name="consent_code", title="Code name", read=lambda row: row.consent.code_name),
        Field(name="language", title="Language", read=of_text("language")),
        Field(name="version", title="Version", read=of_text("version"), kind=Kind.WHOLE),
        *_named(ConsentAgreement, "request_id"),
    ]


def _merges(user: User, query: str) -> list[Field]:
    return [
        *contact_fields("survivor", user),
        *contact_fields("loser", user),
        *_named(ContactMerge, "moved"),
        *(_named(ContactMerge, "detail") if may_see_contacts(user) else ()),
    ]


def _emails(user: User, query: str) -> list[Field]:
    to = _named(Email, "recipient") if may_see_contacts(user) else []
    return [*to, *_named(Email, "sender", "message_id", "handed_over_at")]


def _deliveries(user: User, query: str) -> list[Field]:
    sees = may_see_contacts(user)
    return [
        Field(name="message", title="Message ID", read=lambda row: id_of(row.message_id)),
        *_named(Delivery, "occurred_at", "attempted_at", "delivered_at"),
        Field(
            name="payload",
            title="What it tells",
            read=(lambda row: row.payload) if sees else masked_payload,
            kind=Kind.JSON,
            is_proposed=False,
        ),
    ]


def _rejections(user: User, query: str) -> list[Field]:
    sees = may_see_contacts(user)
    personal = frozenset() if sees else personal_names()

    def sent(row: RejectedActivity) -> str:
        payload = bytes(row.payload)
        shown = payload if sees else hide_in_payload(payload, personal)
        return shown.decode(errors="replace").replace("\0", "\ufffd")

    return [
        *_named(RejectedActivity, "code", "request_id", "payload_length"),
        *(_named(RejectedActivity, "field", "named") if sees else ()),
        Field(name="payload", title="All that was sent", read=sent, is_proposed=False),
    ]


def _audited(user: User, query: str) -> list[Field]:
    return _named(AuditEntry, "via", "before", "after")


def _exports(user: User, query: str) -> list[Field]:
    def names(row: Export) -> str:
        return ", ".join(one["name"] for one in row.columns)

    return [
        Field(name="columns", title="Columns", read=names),
        *_named(Export, "finished_at", "expires_at", "size", "sha256", "downloads"),
        *_named(Export, "downloaded_at"),
    ]


register_source(ConsentAgreement, Source(fields=_agreements))
register_source(ContactMerge, Source(fields=_merges))
register_source(Email, Source(fields=_emails))
register_source(Delivery, Source(fields=_deliveries))
register_source(RejectedActivity, Source(fields=_rejections))
register_source(Export, Source(fields=_exports))
# Values of contacts are not in the audit log, but names of files and views may name one.
register_source(AuditEntry, Source(fields=_audited))
for _model in (ActivityType, ApiKey, Automation, Channel, Consent, ContactGroup, Tag, Template):
    register_source(_model, Source(holds_persons=False))
