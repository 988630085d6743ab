"""People in the search of the admin: the best first."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.http import HttpRequest

from adminsite.formatting import change_url
from adminsite.palette import MOST_FOUND, Findable, Found, list_of, register_findable
from adminsite.searching import simple
from contacts.admin.permissions import may_see_contacts
from contacts.admin.searching import called_exactly, search_contacts
from contacts.models import Contact

# Of so many that were created last the best come first.
_LOOKED_AT = 50


def find_people(request: HttpRequest, term: str) -> Sequence[Found]:
    """The contacts that `term` leads to; those who are called exactly so come first."""
    live = Contact.objects.live()
    short = called_exactly(live, term)
    found = [] if short is None else _newest(short)
    if len(found) < MOST_FOUND:
        found += [one for one in _newest(search_contacts(live, term)) if one not in found]
    found.sort(key=lambda one: _distance(one, simple(term).split()))
    return [Found(one.display_name, change_url(one), _note(one)) for one in found[:MOST_FOUND]]


def _newest(contacts: QuerySet[Contact]) -> list[Contact]:
    return list(contacts.order_by("-created_at", "-pk")[:_LOOKED_AT])


def _distance(contact: Contact, words: list[str]) -> int:
    """0 if each word is a whole word of the name or the email, 1 if each begins one, else 2."""
    texts = simple(f"{contact.full_name} {contact.email} {contact.company_name}").split()
    if all(word in texts for word in words):
        return 0
    return 1 if all(any(text.startswith(word) for text in texts) for word in words) else 2


def _note(contact: Contact) -> str:
    """What tells contacts of one name apart; of those without one, the GUID."""
    if not contact.full_name and not contact.email:
        return str(contact.guid)
    shown = contact.email if contact.full_name else ""
    phone = contact.mobile_phone or contact.business_phone
    return " · ".join(filter(None, (shown, contact.company_name, phone)))


register_findable(
    Findable(
        title="People",
        icon="person",
        position=10,
        may_see=may_see_contacts,
        find=find_people,
        more_url=list_of(Contact),
    )
)
