"""An import is undone: what it made goes, what it changed comes back, the rest stays."""

import pytest

from automations.emails.suppressing import suppress
from automations.models import Suppression
from consents.agreements import is_agreed
from consents.models import ConsentAgreement
from contacts.changes import Origin, change_contact
from contacts.models import Contact, ContactChange, ContactMerge
from exchange.importing.acting import CannotImport, start_undo
from exchange.importing.telling import kept_of
from tests.exchange.importing.previewing import previewed
from tests.factories import make_activity, make_consent, make_contact, make_group

pytestmark = pytest.mark.django_db

CODE = Origin(ContactChange.Source.CODE)


def test_undo_restores_fields_and_removes_new_contacts(imports):
    ann = make_contact(email="ann@example.com", first_name="Ann", birthday="1980-01-01")
    import_ = imports.bring_in(
        "email,first_name,city,birthday\n"
        "ann@example.com,Anna,Wien,1981-02-02\n"
        "carl@example.com,Carl,,\n"
    )
    assert previewed(import_) == {"restored": 1, "removed": 1, "kept": {}}
    assert imports.undo(import_) == {"restored": 1, "removed": 1, "kept": {}}
    assert import_.status == "undone"
    ann.refresh_from_db()
    assert (ann.first_name, ann.city, str(ann.birthday)) == ("Ann", "", "1980-01-01")
    last = ContactChange.objects.filter(contact=ann).latest("pk")
    assert (last.source, last.import_id) == ("undo", import_.pk)
    assert last.before == {"first_name": "Anna", "city": "Wien", "birthday": "1981-02-02"}
    assert last.after == {"first_name": "Ann", "city": "", "birthday": "1980-01-01"}
    assert not Contact.objects.filter(email_key="carl@example.com").exists()
    with pytest.raises(CannotImport):
        start_undo(import_)


def test_undo_keeps_who_did_something_or_was_changed(imports):
    ann = make_contact(email="ann@example.com", first_name="Ann")
    import_ = imports.bring_in(
        "email,first_name\n"
        "ann@example.com,Anna\n"
        "bob@example.com,Bob\n"
        "carl@example.com,Carl\n"
        "dora@example.com,Dora\n"
        "eve@example.com,Eve\n"
    )
    people = {one.first_name: one for one in Contact.objects.all()}
    change_contact(people["Anna"], {"city": "Graz"}, CODE)
    make_activity(people["Bob"])
    change_contact(people["Carl"], {"first_name": "Karl"}, CODE)
    make_group(members=[people["Dora"]])
    expected = {"restored": 0, "removed": 1, "kept": {"active": 1, "changed": 2, "used": 1}}
    assert previewed(import_) == expected
    assert imports.undo(import_) == expected
    ann.refresh_from_db()
    assert (ann.first_name, ann.city) == ("Anna", "Graz")
    assert sorted(Contact.objects.values_list("first_name", flat=True)) == [
        *("Anna", "Bob", "Dora", "Karl")
    ]
    listed = "".join(kept_of(import_)).splitlines()
    assert listed[0] == "guid,email,reason"
    assert f"{people['Bob'].guid},bob@example.com,Did something since" in listed
    assert (
        f'{people["Dora"].guid},dora@example.com,"Is used by something else since, such as a note, '
        'a tag, an email or a run of an automation"'
    ) in listed


def test_undo_of_the_later_import_first_lets_the_earlier_one_be_undone(imports):
    first = imports.bring_in("email,city\nann@example.com,Wien\n")
    second = imports.bring_in("email,city\nann@example.com,Graz\n")
    assert previewed(first)["kept"] == {"changed": 1}
    assert imports.undo(second) == {"restored": 1, "removed": 0, "kept": {}}
    assert imports.undo(first) == {"restored": 0, "removed": 1, "kept": {}}
    assert Contact.objects.count() == 0


def test_undo_revokes_what_the_import_agreed_to_and_agrees_for_nobody(imports):
    news = make_consent("news")
    yes, no = make_contact(email="yes@example.com"), make_contact(email="no@example.com")
    ConsentAgreement.objects.create(contact=no, consent=news, agreed=True)
    import_ = imports.bring_in("email,consent:news\nyes@example.com,yes\nno@example.com,no\n")
    assert (is_agreed(yes, news), is_agreed(no, news)) == (True, False)
    assert imports.undo(import_) == {"restored": 0, "removed": 0, "kept": {"revoked": 1}}
    assert (is_agreed(yes, news), is_agreed(no, news)) == (False, False)
    rows = ConsentAgreement.objects.filter(contact=yes).order_by("pk")
    assert [(one.agreed, one.place) for one in rows] == [
        (True, ""),
        (False, f"Undo of import {import_.pk}"),
    ]


def test_undo_takes_back_merges_that_nobody_decided(imports):
    ann = make_contact(email="ann@example.com")
    bob = make_contact(email="bob@example.com")
    import_ = imports.bring_in(f"email,guid,city\nann@example.com,{bob.guid},Wien\n")
    merge = ContactMerge.objects.get()
    assert (merge.status, merge.reason, merge.import_id) == ("review", "import", import_.pk)
    assert {merge.survivor_id, merge.loser_id} == {ann.pk, bob.pk}
    assert import_.counts["merge"] == 1
    assert imports.undo(import_) == {"restored": 1, "removed": 0, "kept": {}}
    assert not ContactMerge.objects.exists()


def test_undo_keeps_an_email_that_another_contact_has_by_now(imports):
    ann = make_contact(email="ann@example.com")
    import_ = imports.bring_in(f"email,guid\nanna@example.com,{ann.guid}\n")
    ann.refresh_from_db()
    assert ann.email == "anna@example.com"
    make_contact(email="ann@example.com")
    assert imports.undo(import_) == {"restored": 0, "removed": 0, "kept": {"email_taken": 1}}
    ann.refresh_from_db()
    assert ann.email == "anna@example.com"


WITH_STATUS = {"email": "email", "status": "email_status"}
GONE = "email,status\nann@example.com,unsubscribed\nbob@example.com,cleaned\n"


def suppressed():
    return dict(Suppression.objects.values_list("email_key", "reason"))


def test_undo_lets_emails_go_again_to_addresses_of_the_import(imports):
    suppress("bob@example.com", Suppression.Reason.BOUNCED, "550 no such user")
    import_ = imports.bring_in(GONE, WITH_STATUS)
    assert suppressed() == {"ann@example.com": "unsubscribed", "bob@example.com": "bounced"}
    imports.undo(import_)
    assert suppressed() == {"bob@example.com": "bounced"}


@pytest.mark.parametrize("reason", ["user", "complained", "unsubscribed", "bounced"])
def test_undo_leaves_what_the_owner_or_a_user_has_decided_since(imports, reason):
    import_ = imports.bring_in(GONE, WITH_STATUS)
    assert not suppress("Ann@Example.com", Suppression.Reason(reason), "Objected.")
    imports.undo(import_)
    assert suppressed() == {"ann@example.com": reason}
    assert Suppression.objects.get().detail == "Objected."


def test_undo_of_one_import_leaves_what_another_says_as_well(imports):
    first = imports.bring_in(GONE, WITH_STATUS)
    second = imports.bring_in(f"{GONE}carl@example.com,cleaned\n", WITH_STATUS)
    imports.undo(first)
    assert set(suppressed()) == {"ann@example.com", "bob@example.com", "carl@example.com"}
    imports.undo(second)
    assert suppressed() == {}


def test_complaint_is_not_replaced_by_a_bounce(imports):
    suppress("ann@example.com", Suppression.Reason.COMPLAINED, "Spam.")
    import_ = imports.bring_in(GONE, WITH_STATUS)
    suppress("ann@example.com", Suppression.Reason.BOUNCED)
    imports.undo(import_)
    assert suppressed() == {"ann@example.com": "complained"}
