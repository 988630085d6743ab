"""Static groups in the admin: by hand, from a file, to a file."""

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from adminsite.formatting import change_url
from groups import lists
from tests.admin.groups import downloaded, make_group
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def upload(client, group, content, do="add"):
    url = reverse("admin:groups_contactgroup_upload", args=[group.pk])
    file = SimpleUploadedFile("people.csv", content)
    return client.post(url, {"file": file, "do": do}, follow=True)


def test_a_contact_is_found_added_and_removed_by_hand(admin_client):
    contact = make_contact(first_name="Nina", email="nina@example.com")
    group = make_group(static=True)
    url = reverse("admin:groups_contactgroup_members", args=[group.pk])

    for term in ("nina@example.com", "Nina", str(contact.guid)):
        found = admin_client.get(change_url(group), {"find": term}).context["people"]["found"]
        assert found == [(contact, False)], term

    admin_client.post(url, {"contact": contact.pk, "do": "add"})
    assert group.memberships.get().contact == contact
    again = admin_client.post(url, {"contact": contact.pk, "do": "add"}, follow=True)
    assert "was in it before" in again.text
    admin_client.post(url, {"contact": contact.pk, "do": "remove"})
    assert not group.memberships.exists()
    assert [event.by for event in group.events.all()] == [User.objects.get()] * 2


@pytest.mark.parametrize("given", ["", "x", "999999", "-1", "9" * 30, "9" * 5_000])
def test_a_contact_that_is_not_there_is_not_added(admin_client, given):
    group = make_group(static=True)
    url = reverse("admin:groups_contactgroup_members", args=[group.pk])

    response = admin_client.post(url, {"contact": given, "do": "add"}, follow=True)

    assert "There is no such contact any more." in response.text


def test_nobody_is_put_into_a_dynamic_group_by_hand(admin_client):
    group, contact = make_group(), make_contact()
    url = reverse("admin:groups_contactgroup_members", args=[group.pk])

    admin_client.post(url, {"contact": contact.pk, "do": "add"})
    upload(admin_client, group, str(contact.guid).encode())

    assert not group.memberships.exists()


def test_a_file_adds_people_and_says_which_lines_were_rejected(admin_client):
    one, other = make_contact(email="nina@example.com"), make_contact()
    group = make_group(static=True)
    content = f"email\nNINA@example.com;Nina\n{other.guid},x\nnobody@example.com\n<b>moon</b>\n"

    page = upload(admin_client, group, content.encode())

    assert {row.contact for row in group.memberships.all()} == {one, other}
    assert "2 added; 2 lines were rejected." in page.text
    assert "nobody@example.com" in page.text
    assert "1 line was rejected." in upload(admin_client, group, b"moon").text
    assert "&lt;b&gt;moon&lt;/b&gt;" in page.text


def test_a_file_removes_people(admin_client):
    contact = make_contact()
    group = make_group(static=True, members=[contact, make_contact()])

    page = upload(admin_client, group, f"{contact.guid}\n".encode(), do="remove")

    assert "1 removed." in page.text
    assert group.memberships.count() == 1


def test_a_file_that_is_no_text_is_refused_as_a_whole(admin_client, monkeypatch):
    group, contact = make_group(static=True), make_contact()
    monkeypatch.setattr(lists, "_LINES", 1)
    # More than is decoded at a time.
    half = f"{contact.guid}\n".encode() + b"x\n" * 10_000 + b"\xff\xfe"

    for content in (b"\xff\xfe\x00\xd8", half):
        assert "no text in UTF-8" in upload(admin_client, group, content).text
    assert not group.memberships.exists()
    url = reverse("admin:groups_contactgroup_upload", args=[group.pk])
    assert "Choose a file first." in admin_client.post(url, follow=True).text


def test_members_are_downloaded_and_nothing_in_the_file_is_a_formula(admin_client):
    contact = make_contact(
        email="nina@example.com",
        first_name="=1+1",
        last_name="@SUM(A1)",
        company_name="+Plus, Inc.",
    )
    group = make_group(members=[contact])

    head, line = downloaded(admin_client, group).splitlines()

    since = group.memberships.get().since.isoformat()
    assert head == "guid,email,first_name,last_name,company_name,country,since"
    names = "'=1+1,'@SUM(A1),\"'+Plus, Inc.\""
    assert line == f"{contact.guid},nina@example.com,{names},,{since}"


def test_what_was_downloaded_can_be_uploaded(admin_client):
    group = make_group(members=[make_contact(), make_contact(first_name="=1")])
    copy = make_group("copy", static=True)

    upload(admin_client, copy, downloaded(admin_client, group).encode())

    assert set(copy.memberships.values_list("contact")) == set(
        group.memberships.values_list("contact")
    )
