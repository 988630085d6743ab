"""What other systems know a contact by, on its page."""

from collections import defaultdict

from django.http import HttpRequest

from channels.models import Channel
from contacts.admin.permissions import may_see_contacts
from contacts.admin.sections import ContactSection, SectionContent, count_text, register_section
from contacts.models import Contact

_SHOWN = 100


def _identifiers_section(request: HttpRequest, contact: Contact) -> SectionContent:
    newest = list(contact.identifiers.order_by("-created_at", "-pk")[: _SHOWN + 1])
    shown, is_cut = newest[:_SHOWN], len(newest) > _SHOWN
    channels = _channels_by_site({one.site_id for one in shown})
    return SectionContent(
        context={
            "entries": [(one, ", ".join(channels[one.site_id])) for one in shown],
            "is_cut": is_cut,
        },
        count=count_text(len(shown), is_cut=is_cut),
    )


def _channels_by_site(site_ids: set[str]) -> dict[str, list[str]]:
    """The names of the channels that these sites have by now."""
    names: dict[str, list[str]] = defaultdict(list)
    channels = Channel.objects.filter(site_id__in=site_ids).order_by("name")
    for site_id, name in channels.values_list("site_id", "name"):
        names[site_id].append(name)
    return names


register_section(
    ContactSection(
        slug="known-as",
        title="Known as",
        position=35,
        may_see=may_see_contacts,
        template="contacts/sections/identifiers.html",
        build=_identifiers_section,
    )
)
