"""A person of whom the hub knows something in every table, and others beside them.

What is the person's has `MINE` in it, what is another person's `THEIRS`: so a file tells whose it
has.
"""

import io
import json
import uuid
import zipfile

from django.contrib.auth.models import User
from django.utils import timezone

from activities.inspector import readable
from activities.models import DataInput, RejectedActivity
from adminsite.roles import give_roles
from automations.models import Passage, Suppression
from consents.agreements import record_agreement
from contacts.annotating import add_note, get_or_create_tag, tag_contacts
from contacts.changes import Origin, change_contact
from contacts.merging import lock_live
from contacts.models import ContactChange, ContactIdentifier, ContactMerge
from contacts.telling import person_of
from crosssite.models import SiteContact, TrackedSite
from destinations.models import Delivery, Destination
from destinations.saving import save_destination
from groups.models import MembershipEvent
from privacy.access.writing import write_file
from privacy.models import AccessFile
from tests.automations.mails import add_event, make_email, make_template
from tests.automations.running import enter, make_automation
from tests.factories import (
    make_activity,
    make_channel,
    make_consent,
    make_contact,
    make_group,
)

MINE, THEIRS = "Larkspur", "Foxglove"
EMAIL, OTHER_EMAIL = "ada@example.com", "bob@example.com"


def make_person():
    """The contact, with one of everything, and of everything what is of another contact."""
    officer = User.objects.create(username=THEIRS.lower(), first_name=THEIRS, is_staff=True)
    give_roles(officer, ["dpo"])
    contact = make_contact(email=EMAIL, first_name=MINE)
    other = make_contact(email=OTHER_EMAIL, first_name=THEIRS, notes=THEIRS)
    channel = make_channel(name="Shop app")
    _change(contact, "city", f"{MINE}ton", by=officer)
    _change(contact, "city", "Elsewhere", by=officer)
    _merges(contact, other, officer)
    _activities(contact, other, channel)
    _agreements(contact, channel)
    _refused(contact, other, channel)
    _mail(contact, channel)
    _told(contact, other)
    group = make_group(name=f"{MINE} lovers", members=[contact])
    MembershipEvent.objects.create(
        group=group, contact=contact, entered=True, cause="user", by=officer
    )
    add_note(contact.pk, f"{MINE}. Knows {OTHER_EMAIL} and {other.guid}.", by=officer)
    add_note(other.pk, THEIRS, by=officer)
    tag_contacts([contact.pk], get_or_create_tag(f"{MINE} tag"), by=officer)
    for one, value in ((contact, MINE), (other, THEIRS)):
        ContactIdentifier.objects.create(
            contact=one, site_id="site", kind=ContactIdentifier.Kind.USER_ID, value=value
        )
    website = make_channel(kind="website", domain="www.example.com")
    site = TrackedSite.objects.create(
        name=f"{MINE} site", code_name="s", url="https://s.example.com", channel=website
    )
    SiteContact.objects.create(contact=contact, tracked_site=site)
    return contact, other


def _change(contact, name, value, *, source=ContactChange.Source.ADMIN, **origin):
    (locked,) = lock_live(contact.pk)
    change_contact(locked, {name: value}, Origin(source, **origin))
    contact.refresh_from_db()


def _merges(contact, other, officer):
    """A merge that was undone, by which the other contact's values came and went."""
    merge = ContactMerge.objects.create(
        survivor=contact,
        loser=other,
        reason="marketer",
        status="undone",
        requested_by=officer,
        survivor_before={"notes": THEIRS},
        loser_before={"email": OTHER_EMAIL, "notes": THEIRS},
        finished_at=timezone.now(),
        detail=THEIRS,
    )
    source = ContactChange.Source
    _change(contact, "job_title", THEIRS, source=source.MERGE, merge=merge)
    # Somebody has overwritten what the merge had brought.
    _change(contact, "job_title", f"{MINE} grower", by=officer)


def _activities(contact, other, channel):
    make_activity(
        contact,
        channel=channel,
        title=f"=Bought {MINE}",
        value=MINE,
        properties={"item": MINE, "mail": OTHER_EMAIL, "ref": other.guid.hex},
    )
    make_activity(other, channel=channel, title=THEIRS)
    sent_by_other = make_activity(
        contact,
        channel=channel,
        title="Form",
        url=f"https://www.example.com/?u={other.guid}",
        logged_as=other.guid,
    )
    DataInput.objects.create(
        contact=contact,
        sent_by=other,
        activity=sent_by_other,
        fields={"notes": MINE, "company_name": f"of {OTHER_EMAIL}"},
        outcome="redirected",
        applied_at=timezone.now(),
    )
    redirected = make_activity(other, channel=channel, title=THEIRS, logged_as=contact.guid)
    DataInput.objects.create(
        contact=other, sent_by=contact, activity=redirected, fields={"notes": THEIRS}
    )


def _agreements(contact, channel):
    consent = make_consent("News", name=f"{MINE} news", texts={"en": f"<p>May we, {MINE}?</p>"})
    record_agreement(contact, consent, agreed=True, channel=channel, came_by="API key App (ab…)")


def _refused(contact, other, channel):
    batch = {
        "events": [
            {"user": {"email": EMAIL}, "text": MINE},
            {"user": {"email": OTHER_EMAIL}, "text": THEIRS},
            {"user": {"email": "nobody@example.org"}, "text": THEIRS},
        ]
    }
    make_line(batch, channel=channel)
    make_line({"type": MINE, "id": str(uuid.uuid4())}, contact_guid=str(contact.guid))
    make_line({"type": THEIRS}, contact_guid=str(other.guid))
    make_line(f"{EMAIL} told {OTHER_EMAIL} of {THEIRS}".encode())
    friend = {"email": EMAIL, "friend": OTHER_EMAIL, "name": THEIRS, "to": f"{MINE} {EMAIL}"}
    make_line(friend, reason=f"There is no contact {OTHER_EMAIL}.")


def make_line(payload, **fields):
    """A line of the inspector with this payload."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return RejectedActivity.objects.create(
        **{
            "code": "unknown_type",
            "reason": "There is no such type.",
            "door": "headless",
            "request_id": uuid.uuid4(),
            "payload": raw,
            "payload_length": len(raw),
            "payload_text": readable(raw),
            **fields,
        }
    )


def _mail(contact, channel):
    automation = make_automation({"type": "stop"}, name=f"{MINE} mails")
    run = enter(automation, contact, event_data=MINE)
    Passage.objects.create(run=run, automation=automation, step="s1", detail=f"{MINE} step")
    template = make_template(name=f"{MINE} letter")
    html = f"<p>{MINE}</p><script>alert(1)</script>"
    email = make_email(contact, template=template, subject=f"{MINE} news", html=html, text=MINE)
    add_event(email, "clicked", detail=f"https://www.example.com/{MINE}")
    Suppression.objects.create(email_key=EMAIL, reason="user", detail=f"{MINE} wants none")


def _told(contact, other):
    destination = Destination(
        name=f"{MINE} CRM", code_name="crm", url=f"https://crm.example.com/{THEIRS}"
    )
    save_destination(destination)
    Delivery.objects.create(
        destination=destination,
        contact=contact,
        kind="contact",
        source="change:1",
        payload={"guid": str(contact.guid), "name": MINE, "with": str(other.guid)},
        status="delivered",
        answer=THEIRS,
        last_error=THEIRS,
        delivered_at=timezone.now(),
        occurred_at=timezone.now(),
    )


class Zip:
    """A file as it was written, with the texts of its members."""

    def __init__(self, content):
        self.archive = zipfile.ZipFile(io.BytesIO(content))
        self.texts = {name: self.archive.read(name).decode() for name in self.archive.namelist()}
        self.data = json.loads(self.texts["data.json"])

    def rows(self, table):
        """The rows of a table."""
        return self.data["tables"][table]["rows"]

    @property
    def html(self):
        """The page for people."""
        return self.texts["index.html"]


def written(contact, folder, kind=AccessFile.Kind.ACCESS, **how):
    """The file about this contact, and the counts that come with it."""
    path = folder / f"{uuid.uuid4()}.zip"
    with path.open("x+b") as file:
        counts = write_file(person_of(contact.pk), kind, file, **how)
    return Zip(path.read_bytes()), counts
