"""Tags of files: read as other systems write them, given set-wise, and taken back by the undo."""

import pytest
from django.contrib.auth.models import User

from activities.erasing import erase_contact
from contacts.annotating import CannotAnnotate, get_or_create_tag, tag_contacts
from contacts.models import Contact, ContactTag, Tag
from exchange.importing.tags import TooManyTags, quoted, split
from exchange.importing.telling import examples_of
from exchange.models import Import
from tests.exchange.importing.previewing import previewed
from tests.exchange.importing.test_contacts import counts
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db

MAPPING = {"email": "email", "tags": {"field": "tags", "separator": ","}}


def tags_of(email):
    contact = Contact.objects.live().get(email_key=email)
    return sorted(ContactTag.objects.filter(contact=contact).values_list("tag__name", flat=True))


@pytest.mark.parametrize(
    ("text", "separator", "names"),
    [
        ('"news","vip"', ",", ["news", "vip"]),
        ('"news", "Berlin, Mitte"', ",", ["news", "Berlin, Mitte"]),
        ("news, vip,,  ", ",", ["news", "vip"]),
        ("news;vip", ";", ["news", "vip"]),
        ("Berlin, Mitte", ";", ["Berlin, Mitte"]),
        ("a|b", "|", ["a", "b"]),
        ("VIP, vip,Vip", ",", ["VIP"]),
        ('5" pipe, "said ""yes"""', ",", ['5" pipe', 'said "yes"']),
        ("new\n\t customer,b", ",", ["new customer", "b"]),
        ("a, b", "", ["a", "b"]),
        ('"a;b", c', "", ["a;b", "c"]),
        ("a, b; c", "", ["a, b", "c"]),
        ('"never closed, b', ",", ["never closed, b"]),
        (" , ", ",", []),
    ],
)
def test_cell_has_tags(text, separator, names):
    assert split(text, separator) == names


@pytest.mark.parametrize("name", ["VIP", "Berlin, Mitte", "a;b", 'said "yes"', "a|b", "=x"])
def test_tag_of_an_exported_file_is_found_again(name):
    assert split("; ".join([quoted(name), "b"])) == [name, "b"]
    assert split(quoted(name)) == [name]


def test_names_and_numbers_of_tags_are_bounded():
    with pytest.raises(CannotAnnotate, match="50 characters at most"):
        split("a," + "x" * 51, ",")
    with pytest.raises(TooManyTags, match="200 tags at most"):
        split(",".join(f"t{number}" for number in range(201)), ",")


def test_check_tells_new_tags_by_name_and_count(imports):
    ann, bob = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")
    tag_contacts([ann.pk, bob.pk], get_or_create_tag("VIP"), by=None)
    import_ = imports.check(
        "email,tags\n"
        'ann@example.com,"vip"\n'
        'bob@example.com,"vip,News"\n'
        'carl@example.com,"news,Fair"\n'
        'CARL@example.com,"fair,NEWS"\n'
        f"dora@example.com,{'x' * 51}\n",
        MAPPING,
    )
    assert import_.counts == counts(unchanged=1, update=1, create=1, merge=1, reject=1)
    assert (import_.told["tags"]["new"], import_.told["tags"]["known"]) == (2, 1)
    told = {name.lower(): (count, is_new) for name, count, is_new in import_.told["tags"]["names"]}
    assert told == {"vip": (2, False), "news": (2, True), "fair": (1, True)}
    assert [(one["code"], one["column"]) for one in import_.errors] == [("bad_tag", "tags")]
    assert [one.after for one in examples_of(import_, "update")] == [{"tags": "News"}]
    assert Tag.objects.count() == 1
    assert ContactTag.objects.count() == 2


def test_import_gives_the_tags_that_contacts_lack(imports):
    user = User.objects.create_user("marketer")
    ann = make_contact(email="ann@example.com")
    tag_contacts([ann.pk], get_or_create_tag("VIP"), by=None)
    import_ = imports.bring_in(
        "email,tags\n"
        'ann@example.com,"vip,news"\n'
        'carl@example.com,"news"\n'
        'CARL@example.com,"Fair"\n'
        "dora@example.com,\n",
        MAPPING,
        by=user,
    )
    assert import_.status == "imported", import_.reason
    assert import_.counts == counts(update=1, create=2, merge=1)
    assert tags_of("ann@example.com") == ["VIP", "news"]
    assert tags_of("carl@example.com") == ["Fair", "news"]
    assert tags_of("dora@example.com") == []
    given = ContactTag.objects.filter(import_id=import_.pk)
    assert {(one.contact.email.lower(), one.tag.name, one.by) for one in given} == {
        ("ann@example.com", "news", user),
        ("carl@example.com", "news", user),
        ("carl@example.com", "Fair", user),
    }
    again = imports.check('email,tags\nann@example.com,"NEWS,VIP"\n', MAPPING)
    assert again.counts == counts(unchanged=1)


def test_tag_that_was_deleted_since_the_import_began_is_not_given(imports, monkeypatch):
    monkeypatch.setattr("exchange.importing.acting.make_new_tags", lambda *_: 0)
    imports.bring_in('email,tags\nann@example.com,"news"\n', MAPPING)
    assert tags_of("ann@example.com") == []


def test_undo_takes_back_what_the_import_has_given_and_no_more(imports):
    ann, bob = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")
    tag_contacts([ann.pk], get_or_create_tag("VIP"), by=None)
    import_ = imports.bring_in(
        "email,tags\n"
        'ann@example.com,"VIP,news"\n'
        'bob@example.com,"news,kept"\n'
        'carl@example.com,"fair"\n'
        'dora@example.com,"fair"\n',
        MAPPING,
    )
    make_activity(Contact.objects.get(email_key="dora@example.com"))
    eve = make_contact(email="eve@example.com")
    tag_contacts([eve.pk], get_or_create_tag("kept"), by=None)
    assert previewed(import_) == {"restored": 0, "removed": 1, "kept": {"active": 1}}
    assert imports.undo(import_) == {
        **{"restored": 0, "removed": 1, "kept": {"active": 1}},
        "tags": 3,
    }
    assert import_.status == "undone"
    assert tags_of("ann@example.com") == ["VIP"]
    assert tags_of("bob@example.com") == []
    assert not Contact.objects.filter(email_key="carl@example.com").exists()
    # Who did something since is as the import has left them.
    assert tags_of("dora@example.com") == ["fair"]
    assert sorted(Tag.objects.values_list("name", flat=True)) == ["VIP", "fair", "kept"]
    assert bob.tagged.count() == 0


def test_tag_that_a_user_gave_to_a_contact_of_the_import_keeps_the_contact(imports):
    import_ = imports.bring_in('email,tags\nann@example.com,"news"\n', MAPPING)
    tag_contacts([Contact.objects.get().pk], get_or_create_tag("VIP"), by=None)
    assert imports.undo(import_)["kept"] == {"used": 1}
    assert tags_of("ann@example.com") == ["VIP", "news"]


def test_column_of_something_else_makes_no_thousands_of_tags(imports):
    rows = "".join(f"p{number}@example.com,remark {number}\n" for number in range(1_001))
    import_ = imports.check("email,tags\n" + rows, MAPPING)
    assert import_.status == "failed"
    assert "would make 1,001 new tags" in import_.reason
    assert not Tag.objects.exists()


def test_erasure_takes_tags_called_as_the_person_out_of_what_was_told(imports):
    ann = make_contact(email="ann@example.com")
    import_ = imports.check('email,tags\nbob@example.com,"of ann@example.com"\n', MAPPING)
    assert import_.told["tags"]["names"] == [["of ann@example.com", 1, True]]
    erase_contact(ann.pk)
    assert Import.objects.get().told["tags"]["names"] == []
