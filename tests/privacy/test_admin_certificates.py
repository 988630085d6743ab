"""The pages of certificates: the list, one to read and to print, as JSON, and verifying all."""

import json

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from adminsite.models import AuditEntry
from privacy.admin import certificates
from privacy.models import Certificate
from tests.factories import make_contact
from tests.privacy.proofs import erase, unguarded

pytestmark = pytest.mark.django_db
LIST = "/admin/privacy/certificate/"


@pytest.fixture
def dpo(log_in):
    return log_in("view_certificate")


def told(response):
    return [(message.level_tag, str(message)) for message in get_messages(response.wsgi_request)]


def test_the_list_shows_what_was_erased_and_whether_it_is_as_written(dpo):
    erase(reason="A letter of 3 May")
    erase(reason="A letter of 4 May")
    with unguarded():
        Certificate.objects.filter(pk=1).update(reason="A letter of 5 May")

    html = dpo.get(LIST).text

    assert "A letter of 4 May" in html
    assert (html.count("As written"), html.count("Not as written")) == (1, 1)


@pytest.mark.parametrize("term", ["{guid}", "ADA@example.com", "2"])
def test_the_certificate_of_a_person_is_found_by_what_the_person_had(dpo, term):
    erase(make_contact(email="bea@example.com"), "About Bea")
    ada = make_contact(email="ada@example.com")
    guid = str(ada.guid)
    erase(ada, "About Ada")

    html = dpo.get(LIST, {"q": term.format(guid=guid)}).text

    assert "About Ada" in html
    assert "About Bea" not in html


def test_a_page_says_what_is_wrong_with_its_certificate(dpo):
    erase()
    erase()
    with unguarded():
        Certificate.objects.filter(pk=1).delete()

    html = dpo.get(f"{LIST}2/change/").text

    assert "Certificate 1, which it follows, is missing." in html


def test_a_certificate_is_a_page_to_print(dpo):
    certificate = erase(reason="A letter of 3 May")

    response = dpo.get(reverse("admin:privacy_certificate_print", args=[1]))

    assert response.status_code == 200
    for text in ("Certificate of erasure 1", "A letter of 3 May", certificate.hash, "Contacts"):
        assert text in response.text
    assert "not as it was written" not in response.text
    with unguarded():
        Certificate.objects.update(by="somebody else")
    changed = dpo.get(reverse("admin:privacy_certificate_print", args=[1]))
    assert "This certificate is not as it was written." in changed.text


def test_a_certificate_is_downloaded_as_json(dpo):
    certificate = erase()

    response = dpo.get(reverse("admin:privacy_certificate_download", args=[1]))

    assert response["Content-Disposition"] == 'attachment; filename="certificate-1.json"'
    assert json.loads(response.content) == {
        "content": certificate.content,
        "hash": certificate.hash,
        "seal": certificate.seal,
    }


@pytest.mark.parametrize("page", ["print", "download"])
def test_a_certificate_that_is_not_there_is_404(dpo, page):
    assert dpo.get(f"{LIST}7/{page}/").status_code == 404


def test_all_are_verified_on_demand_which_the_audit_log_keeps(dpo):
    erase()
    erase()

    response = dpo.post(f"{LIST}verify/")

    assert response.url == LIST
    assert told(response) == [
        ("success", "Verified: all 2 certificates are there, as they were written.")
    ]
    assert AuditEntry.objects.filter(detail="Verified all certificates.").count() == 1


def test_very_many_are_verified_by_a_command_that_is_there_to_copy(dpo, monkeypatch):
    monkeypatch.setattr(certificates, "MOST_ON_A_PAGE", 2)
    erase()
    erase()
    assert "Verify all now" in dpo.get(LIST).text
    erase()

    html = dpo.get(LIST).text
    response = dpo.post(f"{LIST}verify/")

    assert "Verify all now" not in html
    assert 'data-copy="python manage.py verify_certificates"' in html
    assert response.url == LIST
    assert told(response) == [
        (
            "error",
            "These are more than 2 certificates, too many to be verified by a page. On the machine "
            "of the hub, run: python manage.py verify_certificates",
        )
    ]
    assert not AuditEntry.objects.filter(detail="Verified all certificates.").exists()


def test_verifying_says_what_is_wrong(dpo):
    erase()
    with unguarded():
        Certificate.objects.update(by="somebody else")

    assert told(dpo.post(f"{LIST}verify/")) == [
        ("error", "Certificate 1 was changed: its hash is not that of what it says.")
    ]


@pytest.mark.parametrize("page", ["", "verify/", "1/print/", "1/download/"])
def test_who_may_not_see_certificates_is_refused(log_in, page):
    erase()
    client = log_in("view_contact")

    response = client.post(LIST + page) if page == "verify/" else client.get(LIST + page)

    assert response.status_code == 403
