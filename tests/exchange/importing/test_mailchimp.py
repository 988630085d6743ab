"""Mailchimp's ZIP from the upload to the undo: who has unsubscribed gets no email, at no moment."""

import pytest

from automations.emails.permission import obstacles
from automations.models import Suppression
from consents.agreements import record_agreement
from consents.models import ConsentAgreement
from contacts.models import Contact, ContactTag
from exchange.importing import acting, bringing
from exchange.importing.acting import work_through
from tests.exchange.importing.files import mailchimp_zip
from tests.exchange.importing.test_contacts import counts
from tests.exchange.importing.test_import_pages import page, text_of, uploaded
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db

ADA, GRACE, GONE, BOUNCED = (
    *("ada@example.com", "grace@example.com"),
    *("gone@example.com", "bounced@example.com"),
)


def may_get(consent):
    """Who gets an email that needs this consent, by what the sending itself asks."""
    people = dict(Contact.objects.live().exclude(email="").values_list("pk", "email_key"))
    refused = obstacles(people, consent_id=consent.pk if consent else None)
    return sorted(email for pk, email in people.items() if pk not in refused)


def test_zip_goes_from_the_upload_to_the_undo(marketer, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path / "data"
    news = make_consent("news", name="Newsletter")
    left = make_contact(email="Gone@Example.com", first_name="Gone")
    record_agreement(left, news, agreed=True)
    bounced = make_contact(email=BOUNCED)
    record_agreement(bounced, news, agreed=True)
    assert may_get(news) == [BOUNCED, GONE]

    content = mailchimp_zip(tmp_path / "audience.zip").read_bytes()
    import_ = uploaded(marketer, content, name="audience.zip")
    shown = text_of(marketer.get(page("mapping", import_)))
    assert "This is an export of Mailchimp." in shown
    proposed = import_.mapping
    assert proposed["TAGS"] == {"field": "tags", "separator": ","}
    assert proposed["Mailchimp status"] == "email_status"

    sent = {"agrees_to": ["news"]}
    for at, name in enumerate(import_.headers):
        target = proposed.get(name, "")
        sent[f"target-{at}"] = target if isinstance(target, str) else target["field"]
        if isinstance(target, dict):
            sent |= {f"{option}-{at}": value for option, value in target.items()}
    marketer.post(page("mapping", import_), sent)
    work_through(import_)
    assert import_.status == "checked", import_.reason
    assert import_.counts == counts(create=2, update=2)
    assert import_.told == {
        "consents": [["Newsletter", 2, 1]],
        "tags": {"new": 2, "known": 0, "names": [["news", 1, True], ["vip", 1, True]]},
    }
    shown = text_of(marketer.get(page("change", import_)))
    assert "2 tags will be made" in shown
    assert "2 contacts newly agree" in shown
    # A check changes nothing.
    assert may_get(news) == [BOUNCED, GONE]
    assert not Suppression.objects.exists()

    allowed = []
    bring_in = bringing.Portion.bring_in

    def look_before(portion):
        allowed.append(may_get(news))
        return bring_in(portion)

    monkeypatch.setattr(bringing.Portion, "bring_in", look_before)
    monkeypatch.setattr(acting, "_FIRST", 1)
    marketer.post(page("start", import_))
    work_through(import_)
    assert import_.status == "imported", import_.reason
    # Before any row, and between all of them, it was refused already.
    assert len(allowed) > 1
    assert not {GONE, BOUNCED} & {email for emails in allowed for email in emails}
    assert may_get(news) == [ADA, GRACE]
    assert may_get(None) == [ADA, GRACE]
    assert dict(Suppression.objects.values_list("email_key", "reason")) == {
        GONE: "unsubscribed",
        BOUNCED: "bounced",
    }
    ledger = ConsentAgreement.objects.filter(import_id=import_.pk).order_by("contact__email_key")
    assert [(one.contact.email_key, one.agreed, one.place) for one in ledger] == [
        (ADA, True, "203.0.113.7"),
        # Not from where they once opted in, and not at that time.
        (GONE, False, ""),
        (GRACE, True, "203.0.113.8"),
    ]
    assert ledger[0].at.isoformat() == "2024-03-04T09:10:11+00:00"
    assert ledger[1].at >= import_.started_at
    given = ContactTag.objects.values_list("contact__email_key", "tag__name")
    assert sorted(given) == [(ADA, "news"), (ADA, "vip")]

    assert "The import has given 2 tags." in text_of(marketer.get(page("preview", import_)))
    marketer.post(page("undo", import_))
    work_through(import_)
    assert import_.status == "undone"
    assert not Suppression.objects.exists()
    assert not ContactTag.objects.exists()
    assert sorted(Contact.objects.values_list("email_key", flat=True)) == [BOUNCED, GONE]
    # An undo agrees for nobody: the revocation stays. Nothing was revoked for the other.
    assert may_get(news) == [BOUNCED]


def test_who_is_in_two_lists_has_unsubscribed(imports):
    news = make_consent("news")
    imports.bring_in(
        "email,status\nann@example.com,unsubscribed\nANN@example.com,subscribed\n"
        "bob@example.com,cleaned\nBob@example.com,subscribed\n",
        {"email": "email", "status": "email_status", "": "consent:news"},
    )
    assert may_get(news) == may_get(None) == []
    assert not ConsentAgreement.objects.filter(agreed=True).exists()


def test_row_without_an_email_unsubscribes_the_contact_that_it_names(imports):
    ann = make_contact(email="ann@example.com")
    text = f"email,guid,status\n,{ann.guid},unsubscribed\n"
    mapping = {"email": "email", "guid": "guid", "status": "email_status"}
    import_ = imports.bring_in(text, mapping)
    assert import_.counts == counts(update=1)
    assert may_get(None) == []
    assert imports.check(text, mapping).counts == counts(unchanged=1)
    imports.undo(import_)
    assert may_get(None) == ["ann@example.com"]
