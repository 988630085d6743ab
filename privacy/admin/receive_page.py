"""The form for a request that came in: a person is found by email, name or GUID."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse

from adminsite.formatting import change_url
from adminsite.searching import as_id
from contacts.admin.searching import contact_named, search_contacts
from contacts.emails import check_email
from contacts.models import Contact
from contacts.resolving import UnknownContact, get_live_contact
from database.bounded import TooLong, bounded
from database.letter_case import fold
from privacy.admin.request_forms import ReceiveForm
from privacy.models.requests import written
from privacy.requests.people import CannotDo, contact_with
from privacy.requests.receiving import receive

# How long PostgreSQL may look for whom a user means, with nearly each key that is typed.
SEARCH_SECONDS = 2.0
TOO_MUCH = "There is too much to look at: too many have this. Type more of it."
_FOUND = 10


def find_people(given: QueryDict) -> dict[str, Any]:
    """The contacts that what was typed leads to, for the user to choose from."""
    term = given.get("who", "").replace("\0", "").strip()
    chosen = as_id(given.get("contact", ""))
    is_too_much = False
    try:
        found = _found(term) if term else []
    except TooLong:
        found, is_too_much = [], True
    if chosen is not None and chosen not in {one.pk for one in found}:
        found = [*_chosen(chosen), *found]
    is_email = _is_email(term)
    return {
        "term": term,
        "too_much": TOO_MUCH if is_too_much else "",
        "people": found,
        "chosen": chosen,
        "is_email": is_email,
        # An email that somebody has is no email of somebody unknown.
        "is_unknown": is_email and contact_with(term) is None,
    }


def receive_page(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Ask what came, and register it; one that is open already takes it in."""
    user: Any = request.user
    form = ReceiveForm(request.POST or None, initial=_initial(request.GET))
    given = request.POST if request.method == "POST" else request.GET
    if request.method == "POST" and form.is_valid():
        fields = form.cleaned_data
        try:
            came = receive(
                fields["kind"],
                **_who(given),
                way=fields["way"],
                received_on=fields["received_on"],
                notes=fields["notes"],
                by=user,
            )
        except CannotDo as error:
            form.add_error(error.field if error.field in form.fields else "who", str(error))
        else:
            if came.is_new:
                model_admin.message_user(request, "The request is registered.", messages.SUCCESS)
            else:
                text = (
                    f"It joined the request of {written(came.request.received_on)}, which is open: "
                    "the receipt is noted there."
                )
                model_admin.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(change_url(came.request))
    context = {
        **model_admin.admin_site.each_context(request),
        **find_people(given),
        "title": "Add a request",
        "opts": model_admin.opts,
        "form": form,
        "people_url": reverse("admin:privacy_personrequest_people"),
        "back_url": reverse("admin:privacy_personrequest_changelist"),
    }
    return TemplateResponse(request, "privacy/requests/add.html", context)


def _initial(given: QueryDict) -> dict[str, str]:
    return {name: str(given[name]) for name in ("kind", "who") if given.get(name)}


def _who(given: QueryDict) -> dict[str, Any]:
    """Whom the user has chosen, or typed so that it means one person.

    :raises CannotDo: if it means nobody, or several
    """
    chosen = as_id(given.get("contact", ""))
    if chosen is not None:
        try:
            return {"contact_id": get_live_contact(chosen).pk}
        except UnknownContact:
            raise CannotDo("This contact was erased meanwhile. Choose another.", "who") from None
    term = given.get("who", "").replace("\0", "").strip()
    if not term:
        raise CannotDo("Enter who asks: an email, a name or a GUID.", "who")
    if _is_email(term):
        return {"email": term}
    contact = contact_named(term, by_email=True)
    if contact is not None:
        return {"contact_id": contact.pk}
    try:
        found = _found(term)
    except TooLong:
        raise CannotDo(TOO_MUCH, "who") from None
    if len(found) == 1 and fold(term) == fold(str(found[0])):
        return {"contact_id": found[0].pk}
    if len(found) == 1:
        # Part of a name may be that of somebody else, whom the hub does not know.
        raise CannotDo(f"Do you mean {found[0]}? Choose below who asks, or type all of it.", "who")
    if found:
        raise CannotDo("Several people are found by this. Choose one of them below.", "who")
    raise CannotDo(
        "Nobody is found by this. Enter an email: it is registered although nobody has it.", "who"
    )


def _found(term: str) -> list[Contact]:
    """Some whom a text leads to.

    :raises TooLong: if that takes longer than a user waits
    """
    with bounded(SEARCH_SECONDS):
        return list(search_contacts(Contact.objects.live(), term).order_by("-pk")[:_FOUND])


def _chosen(contact_id: int) -> list[Contact]:
    try:
        return [get_live_contact(contact_id)]
    except UnknownContact:
        return []


def _is_email(term: str) -> bool:
    try:
        check_email(term)
    except ValidationError:
        return False
    return True
