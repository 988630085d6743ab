"""The tab “Their data” of a contact's page: files with it, and the proof of consents."""

from django.http import HttpRequest
from django.urls import reverse

from adminsite.formatting import link_to
from contacts.admin.sections import ContactSection, SectionContent, register_section
from contacts.models import Contact
from privacy.access.permissions import (
    may_make_access_files,
    may_see_access_files,
    may_see_proofs,
)
from privacy.admin.access_files import STATUS, kind
from privacy.models import AccessFile

_SHOWN = 20


def _data_section(request: HttpRequest, contact: Contact) -> SectionContent:
    files = AccessFile.objects.filter(contact=contact).select_related("requested_by")
    may_make = may_make_access_files(request.user) and contact.merged_into_id is None
    proof = reverse("admin:privacy_keptagreement_contact", args=[contact.pk])
    return SectionContent(
        context={
            "files": [
                (file, link_to(file, kind(file)), STATUS(file))
                for file in files.order_by("-id")[:_SHOWN]
            ],
            "kinds": [
                (one.label, reverse("admin:privacy_accessfile_make", args=[contact.pk, one.value]))
                for one in AccessFile.Kind
                if may_make
            ],
            "proof_url": proof if may_see_proofs(request.user) else "",
        }
    )


register_section(
    ContactSection(
        slug="their-data",
        title="Their data",
        position=70,
        may_see=may_see_access_files,
        template="privacy/sections/their_data.html",
        build=_data_section,
    )
)
