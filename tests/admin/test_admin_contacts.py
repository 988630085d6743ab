import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url, changelist_url
from contacts.admin.forms import ContactForm
from contacts.models import Contact, ContactChange, ContactMerge
from tests.factories import make_activity, make_channel, make_contact

pytestmark = pytest.mark.django_db

FIELDS = (
    "email",
    "first_name",
    "middle_name",
    "last_name",
    "birthday",
    "company_name",
    "job_title",
    "business_phone",
    "mobile_phone",
    "address1",
    "zip",
    "city",
    "country",
    "state",
    "notes",
)


def form_of(contact, **changes):
    """What the contact's page sends: each field, and the value that the page had."""
    fields = {name: getattr(contact, name) or "" for name in FIELDS}
    return {f"initial-{name}": value for name, value in fields.items()} | fields | changes


def test_the_list_has_no_merged_contacts(admin_client):
    survivor = make_contact(first_name="Survivor")
    make_contact(first_name="Merged", merged_into=survivor)

    html = admin_client.get(changelist_url(Contact)).text

    assert "Survivor" in html
    assert "1 contact<" in html


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("known=email", "Anna"),
        ("known=name", "Ben"),
        ("known=nothing", "Anonymous "),
        ("country=DEU", "Anna"),
        ("created_at_to_0=2025-12-31", "Ben"),
        ("created_at_from_0=2026-02-01&created_at_to_0=2026-02-01", "Anna"),
    ],
)
def test_filters_of_the_list(admin_client, query, expected):
    february = timezone.make_aware(timezone.datetime(2026, 2, 1, 23, 59, 30))
    make_contact(first_name="Anna", email="a@example.com", country="DEU", created_at=february)
    make_contact(first_name="Ben", created_at=february - timedelta(days=90))
    make_contact()

    html = admin_client.get(changelist_url(Contact, query)).text

    assert "1 contact<" in html
    assert expected in html


def test_a_page_shows_what_became_of_a_merged_contact(admin_client):
    survivor = make_contact(first_name="Anna")
    merged = make_contact(merged_into=survivor)

    html = admin_client.get(change_url(merged)).text

    assert "This contact was merged into" in html
    assert change_url(survivor) in html
    assert 'name="_save"' not in html


def test_a_page_shows_fields_activities_and_where_they_happened(admin_client):
    contact = make_contact(first_name="Anna", country="DEU")
    make_activity(
        contact,
        channel=make_channel(name="Mobile app"),
        url="https://www.example.com/loans",
        referrer="https://search.example.com/",
    )

    html = admin_client.get(change_url(contact)).text

    for expected in (
        str(contact.guid),
        "Page visit &#x27;Home&#x27;",
        "Mobile app",
        "https://www.example.com/loans",
        "from https://search.example.com/",
        '<option value="DEU" selected>Germany</option>',
    ):
        assert expected in html


def test_editing_saves_only_what_was_changed(admin_client):
    contact = make_contact(first_name="Anna", city="Bern")
    form = form_of(contact, job_title="Head of Loans")
    Contact.objects.filter(pk=contact.pk).update(city="Basel")

    response = admin_client.post(change_url(contact), form)

    contact.refresh_from_db()
    assert response.status_code == 302
    assert (contact.job_title, contact.city) == ("Head of Loans", "Basel")
    change = ContactChange.objects.get()
    assert (change.source, change.by.username) == ("admin", "admin")
    assert (change.before, change.after) == ({"job_title": ""}, {"job_title": "Head of Loans"})


def test_field_that_became_something_else_meanwhile_is_shown_and_not_overwritten(admin_client):
    contact = make_contact(first_name="Anna", city="Bern", country="CHE")
    form = form_of(contact, city="Thun", country="AUT", job_title="Banker")
    Contact.objects.filter(pk=contact.pk).update(city="Basel", country="DEU")

    response = admin_client.post(change_url(contact), form)

    errors = response.context["adminform"].form.errors
    assert "this has become “Basel”" in errors["city"][0]
    assert "this has become “Germany”" in errors["country"][0]
    assert set(errors) == {"city", "country"}
    contact.refresh_from_db()
    assert (contact.city, contact.job_title) == ("Basel", "")

    form |= {name: value for name, value in hidden_values(response).items() if name in form}
    assert form["initial-city"] == "Basel"
    response = admin_client.post(change_url(contact), form)

    contact.refresh_from_db()
    assert response.status_code == 302
    assert (contact.city, contact.country, contact.job_title) == ("Thun", "AUT", "Banker")


def test_two_who_want_the_same_are_no_conflict(admin_client):
    contact = make_contact(city="Bern")
    form = form_of(contact, city="Basel", job_title="Banker")
    Contact.objects.filter(pk=contact.pk).update(city="Basel")

    response = admin_client.post(change_url(contact), form)

    contact.refresh_from_db()
    assert (response.status_code, contact.job_title) == (302, "Banker")


def hidden_values(response):
    """The hidden fields of a page, by their names."""
    inputs = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", response.content.decode())
    return {
        re.search('name="([^"]*)"', tag)[1]: (re.search('value="([^"]*)"', tag) or [0, ""])[1]
        for tag in inputs
        if "name=" in tag
    }


def test_new_contact_is_a_change_by_the_user(admin_client):
    empty = Contact()
    form = form_of(empty, email="ann@example.com", city="Bern")

    admin_client.post("/admin/contacts/contact/add/", form)

    change = ContactChange.objects.get()
    assert (change.source, change.contact.email) == ("admin", "ann@example.com")
    assert change.after == {"email": "ann@example.com", "city": "Bern"}


def test_editing_does_not_undo_what_arrived_after_the_form_was_loaded(rf, admin_user):
    contact = make_contact(first_name="Anna", city="Bern")
    model_admin = _contact_admin()
    stale = Contact.objects.get(pk=contact.pk)
    Contact.objects.filter(pk=contact.pk).update(city="Basel")

    request = rf.post("/")
    request.user = admin_user
    form = model_admin.get_form(request, stale)(form_of(stale, first_name="Anne"), instance=stale)
    assert form.is_valid()
    model_admin.save_model(request, form.save(commit=False), form, change=True)

    contact.refresh_from_db()
    assert (contact.first_name, contact.city) == ("Anne", "Basel")


def _contact_admin():
    from django.contrib import admin  # noqa: PLC0415 -- app ready

    return admin.site._registry[Contact]


def test_the_email_of_another_contact_is_refused_with_a_link_to_it(admin_client):
    anna = make_contact(email="anna@example.com", first_name="Anna")
    other = make_contact(first_name="Ben")

    response = admin_client.post(change_url(other), form_of(other, email="ANNA@example.com"))

    other.refresh_from_db()
    assert response.status_code == 200
    assert "Another contact has this email" in response.text
    assert f'href="{change_url(anna)}"' in response.text
    assert other.email == ""


def test_the_email_of_another_contact_is_refused_without_its_name_to_users_who_see_none(log_in):
    anna = make_contact(email="anna@example.com", first_name="Anna", last_name="Lee")
    data = form_of(make_contact(), email="ANNA@example.com")

    response = log_in("add_contact").post(reverse("admin:contacts_contact_add"), data)

    assert "Another contact has this email." in response.text
    assert "Anna Lee" not in response.text
    assert change_url(anna) not in response.text


@pytest.mark.parametrize("is_new", [True, False])
def test_an_email_that_was_saved_in_the_same_moment_is_refused(admin_client, monkeypatch, is_new):
    other = make_contact(first_name="Other")
    url = reverse("admin:contacts_contact_add") if is_new else change_url(other)
    clean_email, looks = ContactForm.clean_email, []

    def look_too_early(form):
        looks.append(form)
        return clean_email(form) if len(looks) > 1 else form.cleaned_data["email"]

    monkeypatch.setattr(ContactForm, "clean_email", look_too_early)
    anna = make_contact(email="anna@example.com")

    response = admin_client.post(url, form_of(other, email="ANNA@example.com", city="Bern"))

    assert response.status_code == 200
    assert "Another contact has this email" in response.text
    assert change_url(anna) in response.text
    assert "Bern" in response.text
    assert list(Contact.objects.order_by("pk")) == [other, anna]


def test_the_email_of_a_merged_contact_is_free(admin_client):
    survivor = make_contact(email="new@example.com")
    make_contact(email="old@example.com", merged_into=survivor)

    response = admin_client.post(change_url(survivor), form_of(survivor, email="old@example.com"))

    assert response.status_code == 302
    survivor.refresh_from_db()
    assert survivor.email == "old@example.com"


def test_a_state_outside_the_usa_is_refused(admin_client):
    contact = make_contact()

    response = admin_client.post(change_url(contact), form_of(contact, country="DEU", state="CA"))

    assert "Only contacts in the USA have a state." in response.text


def test_contacts_cannot_be_deleted(admin_client):
    contact = make_contact()

    response = admin_client.post(
        reverse("admin:contacts_contact_delete", args=[contact.pk]), {"post": "yes"}
    )

    assert response.status_code == 403
    assert Contact.objects.filter(pk=contact.pk).exists()


def test_the_history_of_the_admin_names_a_contact_by_its_guid(admin_client):
    contact = make_contact(first_name="Anna")

    admin_client.post(change_url(contact), form_of(contact, last_name="Lee"))

    assert LogEntry.objects.get().object_repr == str(contact.guid)


def select(admin_client, *contacts):
    return admin_client.post(
        changelist_url(Contact),
        {"action": "merge_selected", "_selected_action": [contact.pk for contact in contacts]},
    )


def test_merging_asks_first_and_shows_what_stays(admin_client):
    known = make_contact(email="anna@example.com", city="Bern")
    anonymous = make_contact(city="Basel", company_name="Acme")
    make_activity(anonymous)

    selected = select(admin_client, known, anonymous)
    page = admin_client.get(selected.headers["Location"])

    assert [row.label for row in page.context["rows"]] == ["Email", "Company", "City"]
    assert [row.result for row in page.context["rows"]] == ["anna@example.com", "Acme", "Bern"]
    assert [row.is_lost for row in page.context["rows"]] == [False, False, True]
    assert page.context["moving"] == {"activities": 1}
    assert not ContactMerge.objects.exists()


def test_merging_requests_a_merge_of_the_loser_into_the_survivor(admin_client, admin_user):
    anonymous = make_contact()
    known = make_contact(email="anna@example.com")

    admin_client.post(select(admin_client, anonymous, known).headers["Location"])

    merge = ContactMerge.objects.get()
    assert (merge.survivor, merge.loser) == (known, anonymous)
    assert (merge.reason, merge.requested_by) == (ContactMerge.Reason.MARKETER, admin_user)
    assert merge.status == ContactMerge.Status.PENDING


@pytest.mark.parametrize("count", [1, 3])
def test_merging_takes_exactly_two_contacts(admin_client, count):
    response = select(admin_client, *[make_contact() for _ in range(count)])

    html = admin_client.get(response.headers["Location"]).text
    assert "Select exactly two contacts" in html


def test_merging_needs_the_permission_to_change_contacts(client):
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_contact"))
    client.force_login(user)
    pair = [make_contact().pk, make_contact().pk]

    response = client.post(reverse("admin:contacts_contact_merge", args=pair))

    assert response.status_code == 403
    assert not ContactMerge.objects.exists()


def test_the_form_knows_an_email_in_another_spelling(admin_client):
    eva = make_contact(email="eva@bücher.example")
    other = make_contact(first_name="Other")

    response = admin_client.post(
        change_url(other), form_of(other, email="eva@xn--bcher-kva.example")
    )

    assert "Another contact has this email" in response.text
    assert change_url(eva) in response.text


def test_the_form_names_a_character_that_nobody_sees(admin_client):
    other = make_contact(first_name="Other")

    response = admin_client.post(change_url(other), form_of(other, email="ina@example.com\u200b"))

    assert "U+200B ZERO WIDTH SPACE" in response.text
    other.refresh_from_db()
    assert other.email == ""


@pytest.mark.parametrize("birthday", ["1879-12-31", "2999-01-01"])
def test_the_form_refuses_a_birthday_that_cannot_be(admin_client, birthday):
    contact = make_contact(first_name="Ann")

    response = admin_client.post(change_url(contact), form_of(contact, birthday=birthday))

    assert "A birthday is not in the future or before 1880." in response.text
    contact.refresh_from_db()
    assert contact.birthday is None


def test_a_birthday_that_was_kept_before_does_not_stop_other_changes(admin_client):
    contact = make_contact(first_name="Ann", birthday="1800-01-01")
    contact.refresh_from_db()

    admin_client.post(change_url(contact), form_of(contact, city="Bern"))

    contact.refresh_from_db()
    assert contact.city == "Bern"
