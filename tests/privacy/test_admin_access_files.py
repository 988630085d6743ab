"""Access files in the admin: asked for on the page of a contact, watched, taken, given away."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from adminsite.formatting import change_url
from adminsite.models import AuditEntry
from adminsite.roles import give_roles
from jobs.working import work_off
from privacy.access import storing
from privacy.jobs import ACCESS_FILES
from privacy.models import AccessFile
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def url_of(name, *args):
    return reverse(f"admin:privacy_accessfile_{name}", args=args)


def logged_in(role):
    user = User.objects.create(username=f"a {role}", is_staff=True)
    give_roles(user, [role])
    client = Client()
    client.force_login(user)
    return client


def test_an_officer_has_a_file_made_takes_it_and_gives_the_person_a_link():
    officer, contact = logged_in("dpo"), make_contact(first_name="Ada")
    page = officer.get(change_url(contact))
    make = url_of("make", contact.pk, "access")
    assert f'action="{make}"' in page.text

    asked = officer.post(make)
    file = AccessFile.objects.get()
    waiting = officer.get(asked["Location"])
    work_off(ACCESS_FILES)
    ready = officer.get(url_of("progress", file.pk))
    officer.post(url_of("act", file.pk, "link"))
    with_link = officer.get(change_url(file))
    taken = officer.post(url_of("download", file.pk))
    officer.post(url_of("act", file.pk, "revoke"))
    without_link = officer.get(change_url(file))

    assert asked["Location"] == change_url(file)
    assert f'hx-get="{url_of("progress", file.pk)}"' in waiting.text
    assert "hx-get" not in ready.text
    assert "Who you are to us" in ready.text
    assert "http://localhost:8000/privacy/file/" in with_link.text
    assert "/privacy/file/" not in without_link.text
    assert (
        b"".join(taken.streaming_content)
        == storing.path_of(AccessFile.objects.get().stored_as).read_bytes()
    )
    file.refresh_from_db()
    assert (file.downloads, file.downloaded_by.username) == (1, "a dpo")
    said = AuditEntry.objects.filter(model="privacy.accessfile").order_by("pk")
    assert [(entry.actor, entry.detail) for entry in said] == [
        ("a dpo", "Asked for a file with personal data (access)."),
        ("a dpo", "The person can download it by the link."),
        ("a dpo", "Downloaded the file."),
        ("a dpo", "The link leads nowhere any more."),
    ]


@pytest.mark.parametrize("role", ["marketer", "developer"])
def test_others_neither_have_files_made_nor_take_them(role):
    contact = make_contact()
    file = AccessFile.objects.create(contact=contact, kind="access")
    client = logged_in(role)

    answers = [
        client.post(url_of("make", contact.pk, "access")),
        client.get(change_url(file)),
        client.get(url_of("progress", file.pk)),
        client.post(url_of("download", file.pk)),
        client.post(url_of("act", file.pk, "link")),
        client.get(reverse("admin:privacy_keptagreement_contact", args=[contact.pk])),
        client.post(reverse("admin:privacy_keptagreement_erased"), {"name": "a@example.com"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 7
    if role == "marketer":
        page = client.get(change_url(contact)).text
        assert "Their data" not in page
        assert "Proof of consents" not in page


def test_what_cannot_be_done_is_said(admin_client):
    contact = make_contact()
    file = AccessFile.objects.create(contact=contact, kind="access")

    def said(name, *args):
        answer = admin_client.post(url_of(name, *args), follow=True)
        return [str(message) for message in answer.context["messages"]]

    assert said("download", file.pk) == [
        "The file cannot be downloaded: it is not ready, or its time is over."
    ]
    assert said("act", file.pk, "link") == ["The file is not there."]
    assert said("act", file.pk, "revoke") == ["There was no link."]
    assert said("act", file.pk, "delete") == ["There was no file any more."]
    assert said("act", file.pk, "cancel") == ["The file is not made."]
    assert said("act", file.pk, "cancel") == ["It was over already."]
    assert admin_client.post(url_of("act", file.pk, "burn")).status_code == 404
    assert admin_client.post(url_of("make", contact.pk, "moon")).status_code == 404
    assert admin_client.post(url_of("make", contact.pk + 999, "access")).status_code == 404


def test_a_file_that_is_on_another_machine_is_said(admin_client):
    file = AccessFile.objects.create(contact=make_contact(), kind="access")
    work_off(ACCESS_FILES)
    file.refresh_from_db()
    storing.delete(file.stored_as)

    answer = admin_client.post(url_of("download", file.pk), follow=True)

    assert "The file is not on this machine any more." in answer.text
