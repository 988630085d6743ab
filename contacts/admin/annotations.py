"""Notes and tags on the page of a contact: written, given and taken; notes in the timeline."""

from collections.abc import Callable, Iterator

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from adminsite.formatting import change_url
from adminsite.permissions import AnyUser, user_of
from contacts.admin.permissions import (
    may_change_contacts,
    may_delete_note,
    may_see_contacts,
    may_write_about,
)
from contacts.admin.timeline import Entry, EntryKind, register_entries, searching
from contacts.annotating import (
    CannotAnnotate,
    add_note,
    get_or_create_tag,
    tag_contacts,
    untag_contacts,
)
from contacts.annotations import LONGEST_TAG, ContactNote, Tag
from contacts.models import Contact

# So many tags are offered while the name of one is being typed.
_OFFERED = 10

type _Act = Callable[[HttpRequest, Contact], str]


def annotation_urls(admin: ModelAdmin) -> list[URLPattern]:
    """The addresses by which the page of a contact, which `admin` shows, writes notes and tags."""
    acts: dict[str, _Act] = {
        "note": _note,
        "forget-note": _forget_note,
        "tag": _tag,
        "untag": _untag,
    }
    offer = path(
        "tags/",
        require_GET(admin.admin_site.admin_view(_offer_tags)),
        name="contacts_contact_tags",
    )
    return [
        offer,
        *(
            path(
                f"<int:contact_id>/{name}/",
                require_POST(admin.admin_site.admin_view(_view_of(admin, act))),
                name=f"contacts_contact_{name.replace('-', '_')}",
            )
            for name, act in acts.items()
        ),
    ]


def tags_of(contact: Contact) -> QuerySet[Tag]:
    """The tags of a contact, each once, by name."""
    return Tag.objects.filter(pk__in=contact.tagged.values("tag")).order_by(Lower("name"), "pk")


def _view_of(admin: ModelAdmin, act: _Act) -> Callable[[HttpRequest, int], HttpResponse]:
    """A view that does one thing about a contact, and leads back to its page."""

    def view(request: HttpRequest, contact_id: int) -> HttpResponse:
        contact = admin.get_object(request, str(contact_id))
        if contact is None:
            raise Http404("There is no such contact.")
        if not may_write_about(request.user, contact):
            raise PermissionDenied
        try:
            admin.message_user(request, act(request, contact), messages.SUCCESS)
        except CannotAnnotate as error:
            admin.message_user(request, str(error), messages.ERROR)
        except Contact.DoesNotExist:
            raise Http404("The contact was erased.") from None
        return HttpResponseRedirect(change_url(contact))

    return view


def _note(request: HttpRequest, contact: Contact) -> str:
    add_note(contact.pk, request.POST.get("text", ""), by=user_of(request))
    return "The note is in the timeline."


def _forget_note(request: HttpRequest, contact: Contact) -> str:
    """Users delete their own notes; those of others only if they may delete any."""
    note = _row_of(contact.dated_notes, request.POST.get("note", ""))
    if note is None:
        raise CannotAnnotate("This note is not there any more.")
    if not may_delete_note(request.user, note):
        raise PermissionDenied
    note.delete()
    return "The note was deleted."


def _tag(request: HttpRequest, contact: Contact) -> str:
    tag = get_or_create_tag(request.POST.get("tag", ""))
    tag_contacts([contact.pk], tag, by=user_of(request))
    return f"The contact has the tag “{tag.name}”."


def _untag(request: HttpRequest, contact: Contact) -> str:
    tag = _row_of(Tag.objects.all(), request.POST.get("tag", ""))
    if tag is None or not untag_contacts([contact.pk], tag):
        raise CannotAnnotate("The contact does not have this tag any more.")
    return f"The contact has not got the tag “{tag.name}” any more."


def _row_of(rows, key: str):
    """The one of `rows` with this key, as a form sends it, or None."""
    return rows.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None


def _offer_tags(request: HttpRequest) -> HttpResponse:
    """Tags whose names contain what is being typed, as options of a list."""
    if not (may_see_contacts(request.user) or may_change_contacts(request.user)):
        raise PermissionDenied
    typed = request.GET.get("tag", "").replace("\0", "").strip()[:LONGEST_TAG]
    found = Tag.objects.filter(name__icontains=typed).order_by(Lower("name"), "pk")
    context = {"names": found.values_list("name", flat=True)[:_OFFERED]}
    return TemplateResponse(request, "contacts/tag_options.html", context)


def _notes_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    return [contact.dated_notes.select_related("by")]


def _entries(contact: Contact, notes: list[ContactNote], user: AnyUser) -> Iterator[Entry]:
    may_write = may_write_about(user, contact)
    for note in notes:
        shown: dict[str, object] = {"may_delete": may_write and may_delete_note(user, note)}
        yield Entry(row=note, icon="sticky_note_2", label="Note", shown=shown)


register_entries(
    EntryKind(
        name="notes",
        title="Notes",
        position=5,
        may_see=may_see_contacts,
        rows=_notes_of,
        at="at",
        describe=_entries,
        template="contacts/timeline/note.html",
        search=searching("text"),
    )
)
