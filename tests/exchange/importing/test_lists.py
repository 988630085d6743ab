"""Lists of other systems become entries of static groups, and the undo takes them back."""

import pytest

from contacts.models import Contact
from groups.membership import add_members, remove_members
from groups.models import Membership, MembershipEvent
from tests.exchange.importing.previewing import previewed
from tests.exchange.importing.test_contacts import counts
from tests.factories import make_contact, make_group

pytestmark = pytest.mark.django_db

CAUSE = MembershipEvent.Cause
MAPPING = {"email": "email", "groups": "groups"}


def members(group):
    rows = Membership.objects.filter(group=group).order_by("contact__email_key")
    return list(rows.values_list("contact__email_key", flat=True))


def test_contacts_come_into_the_groups_of_their_cells(imports):
    ann = make_contact(email="ann@example.com")
    news = make_group("news", name="Newsletter", members=[ann])
    fair = make_group("fair", name="Trade fair, 2024")
    rule = make_group("everybody", static=False)
    text = (
        "email,groups\n"
        "ann@example.com,newsletter\n"
        'bob@example.com,"NEWS,""Trade fair, 2024"",everybody"\n'
        "BOB@example.com,fair\n"
        'carl@example.com,"news,Gone"\n'
    )
    import_ = imports.check(text, MAPPING)
    assert import_.status == "checked", import_.reason
    assert import_.counts == counts(unchanged=1, create=2, merge=1)
    assert import_.told == {"groups": [["Newsletter", 2], ["Trade fair, 2024", 1]]}
    (warning,) = import_.warnings
    assert (warning["code"], warning["message"]) == (
        *("no_group", "groups: there is no contact group “Gone”."),
    )
    assert members(news) == ["ann@example.com"]

    import_ = imports.bring_in(text, MAPPING)
    assert import_.status == "imported", import_.reason
    assert members(news) == ["ann@example.com", "bob@example.com", "carl@example.com"]
    assert members(fair) == ["bob@example.com"]
    assert members(rule) == []
    entries = MembershipEvent.objects.filter(cause=CAUSE.IMPORT, cause_id=import_.pk)
    assert entries.filter(entered=True).count() == 3
    again = imports.check(text, MAPPING)
    assert again.counts == counts(unchanged=3, merge=1)
    assert again.told == {}


def test_undo_takes_out_whom_the_import_put_in(imports):
    ann, bob = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")
    news = make_group("news", members=[ann])
    import_ = imports.bring_in(
        "email,groups\nann@example.com,news\nbob@example.com,news\n"
        "carl@example.com,news\ndora@example.com,news\n",
        MAPPING,
    )
    dora = Contact.objects.get(email_key="dora@example.com")
    add_members(make_group("vip"), [dora.pk], cause=CAUSE.USER)
    assert previewed(import_)["kept"] == {"used": 1}
    assert imports.undo(import_) == {
        **{"restored": 0, "removed": 1, "kept": {"used": 1}},
        "groups": 1,
    }
    assert members(news) == ["ann@example.com", "dora@example.com"]
    left = MembershipEvent.objects.get(contact=bob, entered=False)
    assert (left.cause, left.cause_id) == ("import", import_.pk)


def test_undo_leaves_who_has_left_and_come_back_since(imports):
    bob = make_contact(email="bob@example.com")
    news = make_group("news")
    import_ = imports.bring_in("email,groups\nbob@example.com,news\n", MAPPING)
    Membership.objects.update(since="2020-01-01T00:00Z")  # as if of another moment
    assert imports.undo(import_) == {"restored": 0, "removed": 0, "kept": {}}
    assert members(news) == ["bob@example.com"]
    assert remove_members(news, [bob.pk], cause=CAUSE.USER) == 1


def test_group_that_is_switched_off_gets_nobody(imports):
    off = make_group("news", enabled=False)
    import_ = imports.bring_in("email,groups\nann@example.com,news\n", MAPPING)
    assert (import_.told, import_.warnings) == ({}, [])
    assert members(off) == []
