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
    "view_activity": ["timeline", "known-as", "history"],
    "view_rejectedactivity": ["timeline", "known-as", "history"],
    "view_consentagreement": ["timeline", "consents", "known-as", "history"],
    "view_contactmerge": ["timeline", "known-as", "history"],
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
def test_history_has_no_page_of_its_own_history(log_in, permission):
    make_named_history()
    model = PAGES[permission]
    url = f"{changelist_url(model)}{model.objects.get().pk}/history/"

    assert log_in(permission).get(url).status_code == 404


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
    # Notes and tags are for all who may see contacts.
    contact.dated_notes.all().delete()
    contact.tagged.all().delete()
    client = log_in("view_contact", permission)

    page = client.get(change_url(contact))

    slugs = [entry["section"].slug for entry in page.context["sections"]]
    assert slugs == SECTIONS.get(permission, ["timeline", "known-as", "history"])
    assert ("Unmistakable" in page.text) == (permission not in (None, "view_rejectedactivity"))


@pytest.mark.parametrize(("permission", "shown"), [("view_activity", True), (None, False)])
def test_last_seen_is_for_those_who_may_see_activities(log_in, permission, shown):
    make_history()

    html = log_in("view_contact", permission).get(changelist_url(Contact)).text

    assert ("Last activity" in html) == shown


@pytest.mark.parametrize(
    ("permission", "figures"),
    [
        ("view_contact", ["People", "New people", "Came back", "Known people", "Contacts"]),
        ("view_activity", ["Activities", "Conversions"]),
        ("view_rejectedactivity", ["Refused"]),
        ("view_contactmerge", ["Merges to decide"]),
        ("view_consentagreement", ["Consent rate"]),
    ],
)
def test_the_dashboard_shows_what_its_reader_may_see(log_in, permission, figures):
    make_named_history()

    page = log_in(permission).get(reverse("admin:index"))

    shown = [*page.context["figures"], *page.context["work"]]
    assert [figure.name for figure in shown] == figures
    assert bool(page.context["cards"]) == (permission == "view_activity")


@pytest.mark.parametrize(("permission", "shown"), [("view_channel", True), (None, False)])
def test_the_next_steps_are_for_those_who_may_see_channels(log_in, permission, shown):
    page = log_in("view_activity", permission).get(reverse("admin:index"))

    assert ("next_steps" in page.context) == shown
