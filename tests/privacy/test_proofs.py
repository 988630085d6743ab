"""Proof of consent: of a contact, and of somebody who was erased since."""

import json

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from activities.erasing import erase_contact
from consents.agreements import record_agreement
from consents.models import ConsentAgreement
from consents.texts import save_text
from contacts.changes import Origin, change_contact
from contacts.merging import lock_live
from contacts.models import ContactChange
from privacy.models import KeptAgreement
from privacy.proofs.proof import kept_proof, proof_of
from tests.contacts.merged import merge
from tests.factories import make_channel, make_consent, make_contact
from tests.wire.app import App

pytestmark = pytest.mark.django_db


def answered():
    """A contact who has agreed to one text, and revoked another."""
    contact = make_contact(email="Ada@Example.com", first_name="Ada")
    consent = make_consent("News", name="Newsletter", texts={"en": "<p>May we?</p>"})
    channel = make_channel(name="Shop app")
    record_agreement(contact, consent, agreed=True, channel=channel, came_by="API key iOS (ab…)")
    save_text(consent, language="en", short_text="<p>May we <b>still</b>?</p>")
    record_agreement(contact, consent, agreed=False)
    return contact


def test_a_proof_has_each_answer_with_its_text_and_what_is_not_known():
    contact = answered()

    (news,) = proof_of(contact.pk).consents

    first, second = news.answers
    assert (first.number, first.agreed, first.place, first.came_by, first.counts) == (
        *(1, True, "Shop app", "API key iOS (ab…)"),
        False,
    )
    assert (first.text.version, first.text.short_text) == (1, "<p>May we?</p>")
    assert first.unknown == []
    assert (second.agreed, second.text.version, second.counts) == (False, 2, True)
    assert second.unknown == [
        "On which website or in which app: it was recorded by the hub itself or by a program.",
        "By which key, form or import it came: the hub did not keep that of this answer.",
    ]


def test_the_proof_can_be_printed_and_downloaded(admin_client):
    contact = answered()
    url = reverse("admin:privacy_keptagreement_contact", args=[contact.pk])

    page = admin_client.get(url)
    html = admin_client.post(url, {"as": "html"})
    told = json.loads(admin_client.post(url, {"as": "json"}).content)

    assert "<blockquote><p>May we <b>still</b>?</p></blockquote>" in page.text
    assert (
        f'href="{url}"'
        in admin_client.get(reverse("admin:contacts_contact_change", args=[contact.pk])).text
    )
    assert html["Content-Disposition"].startswith('attachment; filename="proof-of-consents-')
    assert "<script" not in html.text
    assert "Ada@Example.com" in html.text
    assert [one["answer"] for one in told["consents"][0]["answers"]] == ["agreed", "revoked"]
    assert told["consents"][0]["answers"][0]["text"]["short_text"] == "<p>May we?</p>"


def test_answers_say_by_which_key_they_came():
    app, consent = App(), make_consent()
    contact = make_contact()

    app.post(f"/contacts/{contact.guid}/consents/{consent.code_name}", {"agree": True})

    agreement = ConsentAgreement.objects.get()
    assert agreement.came_by == f"API key {app.api_key}"
    with pytest.raises(IntegrityError), transaction.atomic():
        ConsentAgreement.objects.update(came_by="Nobody")


def test_what_an_erased_person_agreed_to_is_found_by_every_name_that_they_had():
    contact = answered()
    loser = make_contact(first_name="Ada")
    merge(contact, loser)
    (locked,) = lock_live(contact.pk)
    origin = Origin(ContactChange.Source.CODE)
    change_contact(locked, {"email": "lovelace@example.com"}, origin)

    erase_contact(contact.pk)

    names = ["ADA@example.com", "lovelace@example.com", str(contact.guid), str(loser.guid)]
    for name in names:
        proof = kept_proof(name)
        first, second = proof.consents[0].answers
        assert (first.agreed, first.text.version, first.place, first.came_by) == (
            *(True, 1, "Shop app"),
            "API key iOS (ab…)",
        )
        assert (second.agreed, second.text.version) == (False, 2)
    assert kept_proof("bob@example.com") is None
    assert "example.com" not in str(list(KeptAgreement.objects.values()))
    with pytest.raises(IntegrityError), transaction.atomic():
        KeptAgreement.objects.update(agreed=True)


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("198.51.100.7", "Import 7, 198.51.100.7"),
        ("form of ADA@example.com", "Import 7, form of (erased)"),
        ("Ada Archer at the fair", "Import 7, (erased) at the fair"),
    ],
)
def test_the_place_that_an_import_gave_stays_as_proof_without_a_name(place, kept):
    contact = make_contact(email="ada@example.com", first_name="Ada", last_name="Archer")
    ConsentAgreement.objects.create(
        contact=contact, consent=make_consent(), agreed=True, import_id=7, place=place
    )

    erase_contact(contact.pk)

    assert KeptAgreement.objects.get().came_by == kept


def test_an_email_that_is_another_contacts_leads_to_no_proof_of_the_erased_one():
    contact = answered()
    (locked,) = lock_live(contact.pk)
    change_contact(locked, {"email": "new@example.com"}, Origin(ContactChange.Source.CODE))
    make_contact(email="ada@example.com")

    erase_contact(contact.pk)

    assert kept_proof("ada@example.com") is None
    assert kept_proof("new@example.com") is not None


def test_the_officer_types_an_email_and_finds_the_proof(admin_client):
    contact = answered()
    erase_contact(contact.pk)
    url = reverse("admin:privacy_keptagreement_erased")

    empty = admin_client.get(url)
    found = admin_client.post(url, {"name": " ada@example.com "})
    nothing = admin_client.post(url, {"name": "bob@example.com"})
    told = json.loads(admin_client.post(url, {"name": str(contact.guid), "as": "json"}).content)

    assert "Type one of these" in empty.text
    assert "1. Agreed" in found.text
    assert "Nothing is kept under this name" in nothing.text
    assert (told["erased"], told["about"]["GUID"]) == (True, str(contact.guid))


@pytest.mark.parametrize("name", ["\0", "@", "%", "x" * 5000, "ada@" + "\u200b", "🎉@🎉"])
def test_names_that_are_none_find_nothing(admin_client, name):
    answer = admin_client.post(reverse("admin:privacy_keptagreement_erased"), {"name": name})

    assert answer.status_code == 200
