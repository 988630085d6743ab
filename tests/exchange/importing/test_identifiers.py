"""What other systems know contacts by: found by it, kept of it, and taken back by the undo."""

import pytest

from contacts.erased_names import Identifier, Names, suppress
from contacts.identifying import Identity, identify
from contacts.models import Contact, ContactIdentifier, ContactMerge
from exchange.importing.acting import start_import, work_through
from exchange.importing.mapping import InvalidMapping, Mapping
from tests.exchange.importing.test_contacts import counts
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db

USER = {"email": "email", "id": "identifier:shop:user_id"}
BROWSER = {"email": "email", "id": "identifier:shop:anonymous_id"}


def known():
    rows = ContactIdentifier.objects.order_by("contact__email_key", "kind", "value")
    return [(one.contact.email.lower(), one.kind, one.value) for one in rows]


def test_identifiers_are_kept_for_new_contacts_and_for_known_ones(imports):
    make_contact(email="ann@example.com")
    text = "email,id,browser\nann@example.com,7.0,\nbob@example.com,8,b-1\nBOB@example.com,9,b-2\n"
    mapping = {**USER, "browser": "identifier:shop:anonymous_id"}
    import_ = imports.bring_in(text, mapping)
    assert import_.status == "imported", import_.reason
    assert import_.counts == counts(update=1, create=1, merge=1)
    assert known() == [
        ("ann@example.com", "user_id", "7"),
        ("bob@example.com", "anonymous_id", "b-1"),
        ("bob@example.com", "anonymous_id", "b-2"),
        ("bob@example.com", "user_id", "8"),
        ("bob@example.com", "user_id", "9"),
    ]
    bob = Contact.objects.get(email_key="bob@example.com")
    assert identify(Identity(site_id="shop", user_id="9")) == bob
    assert imports.check(text, mapping).counts == counts(unchanged=2, merge=1)


def test_identifier_of_another_contact_stays_with_that_one_and_asks_for_a_merge(imports):
    ann, bob = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")
    ContactIdentifier.objects.create(contact=bob, site_id="shop", kind="user_id", value="7")
    text = "email,id\nann@example.com,7\n"
    assert imports.check(text, USER).counts == counts(merge=1)
    imports.bring_in(text, USER)
    merge = ContactMerge.objects.get()
    assert {merge.survivor_id, merge.loser_id} == {ann.pk, bob.pk}
    assert known() == [("bob@example.com", "user_id", "7")]


def test_two_new_contacts_cannot_be_one_user(imports):
    text = "email,id\nann@example.com,7\nbob@example.com,7\nANN@example.com,7\ncarl@example.com,8\n"
    import_ = imports.bring_in(text, USER)
    assert import_.counts == counts(create=2, merge=1, reject=1)
    assert [(one["code"], one["count"], one["examples"][0]["row"]) for one in import_.errors] == [
        ("shared_id", 1, 3)
    ]
    assert known() == [("ann@example.com", "user_id", "7"), ("carl@example.com", "user_id", "8")]
    assert not Contact.objects.filter(email_key="bob@example.com").exists()


def test_browser_of_two_new_contacts_is_the_first_ones(imports):
    import_ = imports.bring_in("email,id\nann@example.com,b-1\nbob@example.com,b-1\n", BROWSER)
    assert import_.counts == counts(create=2)
    assert known() == [("ann@example.com", "anonymous_id", "b-1")]


def test_junk_names_nobody_and_is_left_out(imports):
    import_ = imports.bring_in("email,id\nann@example.com,null\nbob@example.com,0\n", USER)
    assert import_.counts == counts(create=2)
    assert [(one["code"], one["count"]) for one in import_.warnings] == [("junk_id", 2)]
    assert known() == []


def test_user_who_was_erased_is_refused_and_a_browser_of_theirs_not_kept(imports):
    names = [Identifier("shop", "user_id", "7"), Identifier("shop", "anonymous_id", "b-1")]
    suppress(Names(identifiers=names))
    import_ = imports.bring_in("email,id\nann@example.com,7\nbob@example.com,8\n", USER)
    assert import_.counts == counts(create=1, reject=1)
    assert [one["code"] for one in import_.errors] == ["erased"]
    import_ = imports.bring_in("email,id\ncarl@example.com,b-1\ndora@example.com,b-2\n", BROWSER)
    assert import_.counts == counts(create=2)
    assert known() == [
        ("bob@example.com", "user_id", "8"),
        ("dora@example.com", "anonymous_id", "b-2"),
    ]


def test_user_who_is_erased_after_the_check_is_refused(imports):
    import_ = imports.check("email,id\nann@example.com,7\nbob@example.com,8\n", USER)
    suppress(Names(identifiers=[Identifier("shop", "user_id", "7")]))
    start_import(import_)
    work_through(import_)
    assert import_.counts == counts(create=1, reject=1)
    assert known() == [("bob@example.com", "user_id", "8")]


def test_undo_takes_identifiers_back_but_of_who_did_something_since(imports):
    for name in ("ann", "bob", "carl"):
        make_contact(email=f"{name}@example.com")
    before = Contact.objects.get(email_key="ann@example.com")
    ContactIdentifier.objects.create(contact=before, site_id="shop", kind="user_id", value="1")
    import_ = imports.bring_in(
        "email,id\nann@example.com,2\nbob@example.com,3\ncarl@example.com,4\ndora@example.com,5\n",
        USER,
    )
    make_activity(Contact.objects.get(email_key="bob@example.com"))
    assert imports.undo(import_) == {
        **{"restored": 0, "removed": 1, "kept": {"active": 1}},
        "identifiers": 2,
    }
    assert known() == [("ann@example.com", "user_id", "1"), ("bob@example.com", "user_id", "3")]


def test_browser_that_another_person_uses_since_is_not_taken_back(imports):
    import_ = imports.bring_in("email,id\nann@example.com,b-1\n", BROWSER)
    bob = identify(Identity(site_id="shop", anonymous_ids=("b-1",), email="bob@example.com"))
    assert known() == [("bob@example.com", "anonymous_id", "b-1")]
    imports.undo(import_)
    assert bob.identifiers.get(kind="anonymous_id").value == "b-1"


def test_site_of_an_identifier_has_at_most_as_many_letters_as_sites_have():
    with pytest.raises(InvalidMapping):
        Mapping.of({"email": "email", "id": f"identifier:{'s' * 33}:user_id"}, ["email", "id"])
