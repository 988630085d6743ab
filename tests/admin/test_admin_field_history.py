"""The history of a contact's fields: where each comes from, and the way back."""

import pytest
from django.contrib.auth.models import User

from adminsite.formatting import change_url
from contacts.admin import field_history
from contacts.changes import Origin, change_contact
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactChange, ContactMerge
from tests.factories import make_activity, make_channel, make_contact

CODE = Origin(ContactChange.Source.CODE)


def page_of(client, contact):
    return client.get(f"/admin/contacts/contact/{contact.pk}/change/").content.decode()


def revert(client, contact, change, field):
    return client.post(
        f"/admin/contacts/contact/{contact.pk}/revert/",
        {"change": change.pk, "field": field},
        follow=True,
    ).content.decode()


@pytest.fixture
def moved(db):
    contact = make_contact(city="Bern")
    change_contact(contact, {"city": "Basel"}, CODE)
    return contact


def test_each_field_has_its_source_and_earlier_values(admin_client, moved):
    user = User.objects.get(username="admin")
    change_contact(moved, {"country": "CHE"}, Origin(ContactChange.Source.ADMIN, by=user))
    loser = make_contact(job_title="Banker")
    merge = request_merge(survivor=moved, loser=loser, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])

    page = page_of(admin_client, moved)

    assert "Python code" in page
    assert "until" in page
    assert f"/admin/contacts/contactmerge/{merge.pk}/change/" in page
    assert "<del" in page
    assert "Switzerland" in page


def test_revert_brings_the_earlier_value_back_and_is_a_change_itself(admin_client, moved):
    change = ContactChange.objects.get()

    page = revert(admin_client, moved, change, "city")

    moved.refresh_from_db()
    newest = ContactChange.objects.latest("pk")
    assert moved.city == "Bern"
    assert (newest.source, newest.by.username) == ("admin", "admin")
    assert (newest.before, newest.after) == ({"city": "Basel"}, {"city": "Bern"})
    assert "City is what it was before." in page


def test_revert_empties_a_field_that_was_empty(admin_client, db):
    contact = make_contact()
    change_contact(contact, {"birthday": "1990-05-01", "email": "ann@example.com"}, CODE)
    change = ContactChange.objects.get()

    revert(admin_client, contact, change, "birthday")
    revert(admin_client, contact, change, "email")

    contact.refresh_from_db()
    assert (contact.birthday, contact.email) == (None, "")


def test_email_that_another_contact_has_by_now_is_not_brought_back(admin_client, db):
    contact = make_contact(email="ann@example.com")
    change_contact(contact, {"email": "anna@example.com"}, CODE)
    make_contact(email="ANN@example.com")

    page = revert(admin_client, contact, ContactChange.objects.get(), "email")

    contact.refresh_from_db()
    assert contact.email == "anna@example.com"
    assert "Another contact has this email." in page


@pytest.mark.parametrize(
    ("change", "field"),
    [("0", "city"), ("x", "city"), ("", ""), ("9" * 30, "city"), ("own", "guid"), ("own", "zip")],
)
def test_what_is_no_earlier_value_changes_nothing(admin_client, moved, change, field):
    key = ContactChange.objects.get().pk if change == "own" else change
    response = admin_client.post(
        f"/admin/contacts/contact/{moved.pk}/revert/", {"change": key, "field": field}
    )

    moved.refresh_from_db()
    assert response.status_code == 302
    assert moved.city == "Basel"


def test_change_of_another_contact_is_none(admin_client, moved):
    other = make_contact(city="Thun")

    revert(admin_client, other, ContactChange.objects.get(), "city")

    other.refresh_from_db()
    assert other.city == "Thun"


def test_users_who_may_only_look_cannot_revert(log_in, moved):
    client = log_in("view_contact")
    change = ContactChange.objects.get()

    assert "Revert" not in page_of(client, moved)
    response = client.post(
        f"/admin/contacts/contact/{moved.pk}/revert/", {"change": change.pk, "field": "city"}
    )
    assert response.status_code == 403


@pytest.mark.parametrize(("changes", "count"), [(1, "1"), (2, "2"), (3, "2+")])
def test_only_where_changes_are_left_out_the_page_says_so(
    admin_client, monkeypatch, db, changes, count
):
    monkeypatch.setattr(field_history, "_READ", 2)
    contact = make_contact()
    for number in range(changes):
        name = "city" if number else "company_name"
        change_contact(contact, {name: f"Bern {number}"}, CODE)

    sections = admin_client.get(change_url(contact)).context["sections"]
    (content,) = [one["content"] for one in sections if one["section"].slug == "history"]

    assert (content.count, content.context["is_cut"]) == (count, changes == 3)
    sources = {field.name: field.source for field in content.context["fields"]}
    assert sources["company_name"] == ("An older change" if changes == 3 else "Python code")


def test_each_field_of_the_form_says_where_it_comes_from_with_the_way_back(admin_client, moved):
    change = ContactChange.objects.get()

    page = page_of(admin_client, moved)
    reverted = admin_client.post(
        f"/admin/contacts/contact/{moved.pk}/revert/", {"field_before": f"city:{change.pk}"}
    )

    assert "From: Python code, " in page
    assert "Before: Bern" in page
    assert f'form="revert-a-field" name="field_before" value="city:{change.pk}"' in page
    assert reverted.status_code == 302
    moved.refresh_from_db()
    assert moved.city == "Bern"


@pytest.mark.parametrize("given", ["", "city", "city:", "city:x", ":1", "email:1"])
def test_what_is_no_field_before_changes_nothing(admin_client, moved, given):
    page = admin_client.post(
        f"/admin/contacts/contact/{moved.pk}/revert/", {"field_before": given}, follow=True
    ).text

    assert "nothing was changed" in page
    moved.refresh_from_db()
    assert moved.city == "Basel"


def test_a_field_from_a_data_input_says_from_which_app(admin_client, db):
    contact = make_contact()
    activity = make_activity(contact, channel=make_channel(name="Loans <app>"))
    origin = Origin(ContactChange.Source.DATA_INPUT, activity_id=activity.pk)
    change_contact(contact, {"city": "Basel"}, origin)
    change_contact(contact, {"zip": "4000"}, origin)

    page = page_of(admin_client, contact)

    assert page.count("A data input of Loans &lt;app&gt;</a>") == 6
