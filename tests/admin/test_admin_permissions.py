"""What each permission alone shows: contacts are named only to those who may see contacts."""

import pytest
from django.urls import reverse

from activities.models import Activity, RejectedActivity
from adminsite.formatting import change_url, changelist_url
from channels.models import Channel
from consents.models import ConsentAgreement
from contacts.models import Contact, ContactMerge
from tests.admin.history import make_history

pytestmark = pytest.mark.django_db

NAME, COMPANY = "Ermintrude", "Secret Employer"
PAGES = {
    "view_activity": Activity,
    "view_rejectedactivity": RejectedActivity,
    "view_consentagreement": ConsentAgreement,
    "view_contactmerge": ContactMerge,
}
SECTIONS = {
    "view_activity": ["activity", "data-input", "known-as"],
    "view_rejectedactivity": ["known-as"],
    "view_consentagreement": ["consents", "known-as"],
    "view_contactmerge": ["known-as", "merges"],
}


def make_named_history():
    contact = make_history()
    contact.first_name, contact.company_name = NAME, COMPANY
    contact.save()
    ContactMerge.objects.update(survivor_before=None)
    data_input = contact.data_inputs.get()
    data_input.fields = {"first_name": NAME, "company_name": COMPANY}
    data_input.save()
    return contact


@pytest.mark.parametrize("permission", PAGES)
def test_no_page_names_a_contact_to_those_who_may_not_see_contacts(log_in, permission):
    contact = make_named_history()
    model = PAGES[permission]
    client = log_in(permission)

    texts = {
        page: client.get(page).text
        for page in (
            reverse("admin:index"),
            changelist_url(model),
            change_url(model.objects.get()),
        )
    }

    for html in texts.values():
        assert NAME not in html
        assert COMPANY not in html
        assert change_url(contact) not in html
    assert str(contact.guid) in texts[change_url(model.objects.get())]


@pytest.mark.parametrize("permission", PAGES)
def test_those_who_may_see_contacts_see_their_names(log_in, permission):
    contact = make_named_history()
    row = PAGES[permission].objects.get()

    html = log_in(permission, "view_contact").get(change_url(row)).text

    assert NAME in html
    assert change_url(contact) in html


@pytest.mark.parametrize("permission", [None, *SECTIONS])
def test_the_page_of_a_contact_has_the_sections_that_its_reader_may_see(log_in, permission):
    contact = make_history("Unmistakable")
    Contact.objects.update(first_name="", last_name="", company_name="", notes="")
    Channel.objects.update(name="")
    contact.identifiers.update(value="u1")
    client = log_in("view_contact", permission)

    page = client.get(change_url(contact))

    slugs = [entry["section"].slug for entry in page.context["sections"]]
    assert slugs == SECTIONS.get(permission, ["known-as"])
    assert ("Unmistakable" in page.text) == (slugs != ["known-as"])


@pytest.mark.parametrize(("permission", "shown"), [("view_activity", True), (None, False)])
def test_the_last_activity_is_for_those_who_may_see_activities(log_in, permission, shown):
    make_history()

    html = log_in("view_contact", permission).get(changelist_url(Contact)).text

    assert ("Last activity" in html) == shown


@pytest.mark.parametrize(
    ("permission", "figures"),
    [
        ("view_contact", ["Contacts"]),
        ("view_activity", ["Activities in 24 hours", "Data inputs waiting"]),
        ("view_rejectedactivity", ["Rejected in 24 hours"]),
        ("view_contactmerge", ["Merges to decide"]),
        ("view_consentagreement", []),
    ],
)
def test_the_dashboard_shows_what_its_reader_may_see(log_in, permission, figures):
    make_named_history()

    page = log_in(permission).get(reverse("admin:index"))

    assert [figure.name for figure in page.context["figures"]] == figures
    assert ("latest" in page.context) == (permission == "view_activity")


@pytest.mark.parametrize(("permission", "shown"), [("view_channel", True), (None, False)])
def test_the_next_steps_are_for_those_who_may_see_channels(log_in, permission, shown):
    page = log_in("view_activity", permission).get(reverse("admin:index"))

    assert ("next_steps" in page.context) == shown
