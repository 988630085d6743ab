"""Rows of files become contacts."""

import csv
from io import StringIO

import pytest

from automations.models import Suppression
from consents.agreements import record_agreement
from consents.models import Consent, ConsentAgreement
from contacts.models import Contact, ContactChange, ContactIdentifier, ContactMerge
from exchange.importing.telling import Example, examples_of, rejects_of
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db


def counts(**given):
    named = dict.fromkeys(("create", "update", "merge", "unchanged", "reject"), 0) | given
    return {"rows": sum(named.values()), **named}


def test_check_counts_what_would_become_of_rows_and_changes_nothing(imports):
    make_contact(email="ann@example.com", first_name="Ann")
    make_contact(email="bob@example.com", city="Wien")
    import_ = imports.check(
        "email,first_name,city\n"
        "ann@example.com,Anna,\n"
        "Bob@Example.com,,Wien\n"
        "carl@example.com,Carl,Graz\n"
        "CARL@example.com,,Linz\n"
        "nobody,No,\n"
        ",,Graz\n"
        ",,\n"
    )
    assert import_.status == "checked", import_.reason
    assert import_.counts == counts(create=1, update=1, unchanged=1, merge=1, reject=2)
    assert Contact.objects.count() == 2
    assert ContactChange.objects.count() == 0


def test_import_writes_contacts_and_their_changes(imports):
    ann = make_contact(email="ann@example.com", first_name="Ann", city="Wien")
    import_ = imports.bring_in(
        "email,first_name,city,birthday\n"
        "ann@example.com,Anna,,\n"
        "carl@example.com,Carl,Graz,1980-02-29\n"
        "CARL@example.com,,Linz,\n"
    )
    assert import_.status == "imported", import_.reason
    assert import_.counts == counts(create=1, update=1, merge=1)
    ann.refresh_from_db()
    assert (ann.first_name, ann.city) == ("Anna", "Wien")
    carl = Contact.objects.get(email_key="carl@example.com")
    assert (carl.email, carl.city, str(carl.birthday)) == (
        "CARL@example.com",
        "Linz",
        "1980-02-29",
    )
    changes = ContactChange.objects.filter(import_id=import_.pk).order_by("contact")
    assert [(one.contact, one.source, one.before, one.after) for one in changes] == [
        (ann, "import", {"first_name": "Ann"}, {"first_name": "Anna"}),
        (
            carl,
            "import",
            {"email": "", "first_name": "", "city": "", "birthday": ""},
            {
                "email": "CARL@example.com",
                "first_name": "Carl",
                "city": "Linz",
                "birthday": "1980-02-29",
            },
        ),
    ]


def test_guid_finds_the_contact_that_it_leads_to_and_gives_it_the_email(imports):
    survivor = make_contact(first_name="Ann")
    merged = make_contact(merged_into=survivor)
    import_ = imports.bring_in(f"email,guid\nann@example.com,{merged.guid}\n")
    assert import_.counts == counts(update=1)
    survivor.refresh_from_db()
    assert survivor.email == "ann@example.com"


def test_guid_of_nobody_becomes_that_of_the_new_contact(imports):
    guid = "3f2a9c1e-0000-4000-8000-000000000001"
    imports.bring_in(f"email,guid\nann@example.com,{guid}\n")
    assert str(Contact.objects.get().guid) == guid


def test_row_without_an_email_is_of_the_contact_with_its_guid(imports):
    ann = make_contact(email="ann@example.com")
    import_ = imports.bring_in(f"email,guid,city\n,{ann.guid},Wien\n,{ann.guid},Graz\n")
    assert import_.counts == counts(update=1, merge=1)
    ann.refresh_from_db()
    assert (ann.email, ann.city) == ("ann@example.com", "Graz")


def test_row_that_names_two_contacts_asks_for_a_merge(imports):
    ann = make_contact(email="ann@example.com")
    nameless = make_contact()
    import_ = imports.bring_in(f"email,guid,city\nann@example.com,{nameless.guid},Wien\n")
    assert import_.counts == counts(merge=1)
    merge = ContactMerge.objects.get()
    # As everywhere: who has no email becomes part of who has one.
    assert (merge.survivor, merge.loser, merge.status) == (ann, nameless, "pending")
    ann.refresh_from_db()
    assert ann.city == "Wien"


def test_two_contacts_that_a_user_keeps_apart_are_not_merged(imports):
    ann, bob = make_contact(email="ann@example.com"), make_contact()
    ContactMerge.objects.create(survivor=ann, loser=bob, reason="marketer", status="dismissed")
    imports.bring_in(f"email,guid\nann@example.com,{bob.guid}\n")
    assert not ContactMerge.objects.exclude(status="dismissed").exists()


def test_identifier_finds_the_contact(imports):
    ann = make_contact()
    ContactIdentifier.objects.create(contact=ann, site_id="shop", kind="user_id", value="007")
    mapping = {"email": "email", "id": "identifier:shop:user_id"}
    imports.bring_in("email,id\nann@example.com,007\n", mapping)
    ann.refresh_from_db()
    assert ann.email == "ann@example.com"


def test_state_goes_with_the_country(imports):
    ann = make_contact(email="ann@example.com", country="USA", state="CA")
    bob = make_contact(email="bob@example.com", country="DEU")
    import_ = imports.bring_in(
        "email,country,state\nann@example.com,Germany,\nbob@example.com,,NY\n"
        "carl@example.com,USA,California\ndora@example.com,AUT,Tyrol\n"
    )
    assert import_.counts == counts(create=2, update=1, unchanged=1)
    assert [(one["code"], one["count"]) for one in import_.warnings] == [("state_abroad", 1)]
    ann.refresh_from_db()
    bob.refresh_from_db()
    assert (ann.country, ann.state, bob.state) == ("DEU", "", "")
    assert Contact.objects.get(email_key="carl@example.com").state == "CA"


def test_opt_ins_become_rows_of_the_ledger(imports):
    news = make_consent("news")
    said = make_contact(email="said@example.com")
    record_agreement(said, news, agreed=False)
    text = (
        "email,consent:news,agreed_at,agreed_ip\n"
        "new@example.com,Yes,2020-05-04 10:00:00,192.0.2.7\n"
        "said@example.com,1,,\n"
        "maybe@example.com,perhaps,,\n"
        "empty@example.com,,,\n"
        "no@example.com,no,,\n"
    )
    import_ = imports.bring_in(text)
    assert import_.counts == counts(create=4, unchanged=1)
    assert [(one["code"], one["count"]) for one in import_.warnings] == [("bad_answer", 1)]
    (agreement,) = ConsentAgreement.objects.filter(import_id=import_.pk)
    assert (agreement.contact.email, agreement.agreed) == ("new@example.com", True)
    assert (agreement.at.isoformat(), agreement.place) == (
        *("2020-05-04T10:00:00+00:00", "192.0.2.7"),
    )
    # The text came later than the answer.
    assert agreement.text is None
    again = imports.check(text)
    assert again.counts == counts(unchanged=5)


@pytest.mark.parametrize(("yes", "no"), [("ja", "Nein"), ("oui", "non"), ("SÍ", "no")])
def test_answers_are_read_in_the_languages_of_headers(imports, yes, no):
    news = make_consent("news")
    leaves = make_contact(email="leaves@example.com")
    record_agreement(leaves, news, agreed=True)

    import_ = imports.bring_in(
        f"email,consent:news\nnew@example.com,{yes}\nleaves@example.com,{no}\n"
    )

    assert import_.warnings == []
    answers = ConsentAgreement.objects.filter(import_id=import_.pk)
    assert dict(answers.values_list("contact__email", "agreed")) == {
        "new@example.com": True,
        "leaves@example.com": False,
    }


def test_every_row_agrees_but_who_has_unsubscribed(imports):
    make_consent("news")
    left = make_contact(email="left@example.com")
    record_agreement(left, Consent.objects.get(), agreed=True)
    import_ = imports.bring_in(
        "email,status\nann@example.com,subscribed\nleft@example.com,Unsubscribed\n"
        "gone@example.com,cleaned\n",
        {"email": "email", "status": "email_status", "": "consent:news"},
    )
    rows = ConsentAgreement.objects.filter(import_id=import_.pk).order_by("contact__email")
    assert [(one.contact.email, one.agreed) for one in rows] == [
        ("ann@example.com", True),
        ("left@example.com", False),
    ]
    assert dict(Suppression.objects.values_list("email_key", "reason")) == {
        "left@example.com": "unsubscribed",
        "gone@example.com": "bounced",
    }
    imports.undo(import_)
    assert not Suppression.objects.exists()


def test_examples_say_what_would_become_different(imports):
    ann = make_contact(email="ann@example.com", city="Wien")
    import_ = imports.check("email,city\nann@example.com,Graz\nbob@example.com,Linz\nbob@@,\n")
    assert examples_of(import_, "update") == [
        Example(2, "ann@example.com", {"city": "Wien"}, {"city": "Graz"}, ann.pk)
    ]
    assert examples_of(import_, "create") == [
        Example(
            3,
            "bob@example.com",
            {"email": "", "city": ""},
            {"email": "bob@example.com", "city": "Linz"},
        )
    ]
    assert [one.row for one in examples_of(import_, "reject")] == [4]


def test_rejects_are_the_rows_as_they_came_with_the_reason(imports):
    import_ = imports.bring_in(
        'email,first_name\nann@@,"=cmd()\nx"\nbob@example.com,Bob\n,"Zo\u00eb, ""Z"""\n'
    )
    rows = list(csv.reader(StringIO("".join(rejects_of(import_)), newline="")))
    assert rows == [
        ["email", "first_name", "reason"],
        ["ann@@", "'=cmd()\nx", "email is not an email address. Found: “ann@@”."],
        ["", 'Zo\u00eb, "Z"', "The row has no email, and no GUID of a contact."],
    ]


def test_rejects_of_very_many_rows_come_in_pieces(imports, monkeypatch):
    monkeypatch.setattr("exchange.importing.telling._PIECE", 1_000)
    import_ = imports.check("email\n" + "nobody\n" * 5_000)
    assert import_.counts == counts(reject=5_000)
    pieces = list(rejects_of(import_))
    assert len(pieces) > 100
    assert max(map(len, pieces)) < 1_200
    assert "".join(pieces).count("\n") == 5_001


def test_problems_are_grouped_by_what_mends_them(imports):
    import_ = imports.check(
        "email,birthday\nann@@,\nbob@@,\ncarl@example.com,31.12.1899\ndora@example.com,1980-02-30\n"
    )
    assert [
        (one["code"], one["column"], one["count"], one["examples"][0]) for one in import_.errors
    ] == [
        ("bad_email", "email", 2, {"row": 2, "column": "email", "found": "ann@@"}),
        ("bad_date", "birthday", 1, {"row": 4, "column": "birthday", "found": "31.12.1899"}),
        ("bad_date", "birthday", 1, {"row": 5, "column": "birthday", "found": "1980-02-30"}),
    ]
    assert all(one["mend"] for one in import_.errors)


def test_check_tells_who_would_agree_and_who_would_withdraw(imports):
    news = make_consent("news", name="Newsletter")
    make_consent("offers", name="Offers")
    for email in ("ann@example.com", "bob@example.com"):
        record_agreement(make_contact(email=email), news, agreed=True)
    make_contact(email="dora@example.com")

    import_ = imports.check(
        "email,news,offers\n"
        "ann@example.com,yes,\n"
        "bob@example.com,no,\n"
        "carl@example.com,yes,\n"
        "CARL@example.com,yes,no\n"
        "dora@example.com,yes,\n",
        {"email": "email", "news": "consent:news", "offers": "consent:offers"},
    )

    assert import_.told["consents"] == [["Newsletter", 2, 1]]
