"""Who somebody is, by what other systems know them by."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from contacts.identifying import Identity, find_identified, identify
from contacts.junk import is_junk
from contacts.merging import carry_out_merges, dismiss_merge
from contacts.models import Contact, ContactIdentifier, ContactMerge
from tests.factories import make_contact
from tests.threads import run_at_once, wait_until_somebody_waits

EMAIL = "ada@example.com"
SHA256 = hashlib.sha256(EMAIL.encode()).hexdigest()
MD5 = hashlib.md5(EMAIL.encode()).hexdigest()


def who(*anonymous_ids, site_id="100", **keys):
    return Identity(site_id=site_id, anonymous_ids=anonymous_ids, **keys)


def merge_all():
    for merge in ContactMerge.objects.filter(status="pending"):
        carry_out_merges([merge.pk])


pytestmark = pytest.mark.django_db


def test_a_browser_is_one_contact():
    contact = identify(who("browser-1"))

    assert identify(who("browser-1")) == contact
    assert identify(who("browser-2")) != contact
    assert not contact.email


def test_identifiers_mean_something_on_their_site_only():
    assert identify(who("browser-1", user_id="7")) != identify(
        who("browser-1", site_id="200", user_id="7")
    )


def test_finding_makes_nothing():
    assert find_identified(who("browser-1", user_id="7")) is None
    assert Contact.objects.count() == ContactIdentifier.objects.count() == 0
    contact = identify(who("browser-1", user_id="7"))
    assert find_identified(who(user_id="7")) == contact


def test_somebody_who_logs_in_stays_the_contact_of_the_browser():
    contact = identify(who("browser-1"))

    assert identify(who("browser-1", user_id="7")) == contact
    assert identify(who("browser-2", user_id="7")) == contact
    assert identify(who("browser-2")) == contact


def test_an_email_becomes_the_one_of_the_contact():
    contact = identify(who("browser-1"))

    assert identify(who("browser-1", email=EMAIL)) == contact
    contact.refresh_from_db()
    assert contact.email == EMAIL


@pytest.mark.parametrize(
    "keys",
    [
        {"email": EMAIL},
        {"email": EMAIL.upper()},
        {"email_sha256": SHA256},
        {"email_md5": MD5},
        {"email_sha256": SHA256, "email_md5": MD5},
    ],
)
def test_whoever_has_the_email_is_found_by_it_and_by_its_hashes(keys):
    contact = make_contact(email="Ada@Example.com")

    assert identify(who(**keys)) == contact
    assert find_identified(who("browser-9", **keys)) == contact
    assert ContactIdentifier.objects.exclude(kind="anonymous_id").count() == 0


@pytest.mark.parametrize("email", ["o'brien\\x@example.com", "żółć@example.com"])
def test_hashes_are_those_of_every_email(email):
    contact = make_contact(email=email)
    lower = email.lower().encode()

    assert identify(who(email_sha256=hashlib.sha256(lower).hexdigest())) == contact
    assert identify(who(email_md5=hashlib.md5(lower).hexdigest())) == contact


def test_a_hash_that_came_before_the_email_leads_to_its_contact():
    contact = identify(who("browser-1", email_sha256=SHA256))

    assert identify(who("browser-2", email_sha256=SHA256)) == contact
    assert identify(who("browser-3", email=EMAIL)) == contact
    contact.refresh_from_db()
    assert contact.email == EMAIL


def test_a_hash_says_nothing_any_more_once_the_contact_has_another_email():
    contact = identify(who(email_sha256=SHA256))
    Contact.objects.filter(pk=contact.pk).update(email="other@example.com")

    other = identify(who(email_sha256=SHA256))

    assert other != contact
    assert identify(who(email_sha256=SHA256)) == other
    assert not ContactMerge.objects.exists()


def test_an_anonymous_contact_is_merged_with_the_one_who_logs_in_on_the_browser():
    user = identify(who("phone", user_id="7"))
    anonymous = identify(who("laptop"))

    assert identify(who("laptop", user_id="7")) == user

    merge = ContactMerge.objects.get()
    assert (merge.survivor, merge.loser) == (user, anonymous)
    assert merge.reason == ContactMerge.Reason.IDENTIFIER
    merge_all()
    assert identify(who("laptop")) == user


def test_an_anonymous_contact_is_merged_with_the_one_who_has_the_email():
    known = make_contact(email=EMAIL)
    anonymous = identify(who("laptop"))

    assert identify(who("laptop", email=EMAIL)) == known
    merge_all()
    anonymous.refresh_from_db()
    assert anonymous.merged_into == known


def test_another_user_on_the_same_browser_is_another_contact():
    first = identify(who("shared", user_id="7"))

    second = identify(who("shared", user_id="8"))

    assert second != first
    assert not ContactMerge.objects.exists()
    assert identify(who("shared")) == second
    assert identify(who("shared", user_id="7")) == first
    assert identify(who("shared")) == first


def test_another_email_on_the_same_browser_is_another_contact():
    first = identify(who("shared", email=EMAIL))

    second = identify(who("shared", email="bob@example.com"))

    assert second != first
    assert not ContactMerge.objects.exists()
    assert identify(who("shared")) == second


def test_a_user_with_the_email_of_another_contact_waits_for_a_person():
    user = identify(who(user_id="7", email=EMAIL))
    other = make_contact(email="new@example.com")

    assert identify(who(user_id="7", email="new@example.com")) == other

    merge = ContactMerge.objects.get()
    assert merge.status == ContactMerge.Status.REVIEW
    assert {merge.survivor, merge.loser} == {user, other}
    assert identify(who(user_id="7")) == user


def test_a_user_with_a_new_email_waits_for_a_person():
    user = identify(who("laptop", user_id="7", email=EMAIL))

    renamed = identify(who("laptop", user_id="7", email="new@example.com"))

    assert renamed != user
    assert renamed.email == "new@example.com"
    assert ContactMerge.objects.get().status == ContactMerge.Status.REVIEW
    merge_all()
    user.refresh_from_db()
    assert user.merged_into is None


def test_who_was_kept_apart_by_a_person_is_not_asked_about_again(admin_user):
    identify(who(user_id="7", email=EMAIL))
    identify(who(user_id="7", email="new@example.com"))
    dismiss_merge(ContactMerge.objects.get(), by=admin_user)

    identify(who(user_id="7", email="new@example.com"))

    assert ContactMerge.objects.get().status == ContactMerge.Status.DISMISSED


def test_two_users_without_email_become_one_by_the_email_that_both_give():
    first = identify(who(user_id="7"))
    known = make_contact(email=EMAIL)

    assert identify(who(user_id="7", email=EMAIL)) == known
    merge_all()
    assert identify(who(user_id="7")) == known
    first.refresh_from_db()
    assert first.merged_into == known


@pytest.mark.parametrize(
    "junk",
    ["", " ", "null", "Undefined", "NaN", "0", "0000", "00000000-0000-0000-0000-000000000000"]
    + ["-1", "[object Object]", "(not set)", "anonymous", "guest", "nul\0", "x" * 251]
    + [hashlib.sha256(text).hexdigest() for text in (b"", b"null", b"undefined")]
    + ["distinct_id", "Email", "user.id", "{{user_id}}", "${id}", "%email%", "*|EMAIL|*", "__UID__"]
    + ["[Filtered]", "[redacted]", "<user>", "{id}", "***", "0.0", "-0.0", "0,00", "null\u200b"]
    + [hashlib.md5(text).hexdigest() for text in (b"", b"email")]
    + [hashlib.sha256(text).hexdigest() for text in (b"{{user_id}}", b"[Filtered]", b"0", b"NULL")]
    + [hashlib.md5(text).hexdigest() for text in (b"%EMAIL%", b"0.0", b"not set", b"0" * 32)]
    + ["(not-set)", "not-set", "null-null", "undefined-undefined", "null null", "not logged in"]
    + ["user_id={{user_id}}", "user-id", "user id", "customer-id", "{{ user.email }}@example.com"]
    + ["%5BFiltered%5D", "%7B%7Buser_id%7D%7D", "0e0", "0E+00", "0x0", "#NAME?", "#DIV/0!", "-nan"]
    + ["ffffffff-ffff-ffff-ffff-ffffffffffff", "f" * 32, "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"],
)
def test_junk_names_nobody(junk):
    assert is_junk(junk)
    assert who(junk, user_id=junk).is_empty
    assert identify(who(junk, "browser-1", user_id=junk)) == identify(who("browser-1"))
    assert ContactIdentifier.objects.get().value == "browser-1"


@pytest.mark.parametrize(
    "value",
    [
        *("7", "100", "a", "20230105123456001", "nullable", "Zoë", "0.5", "a_b", "emailer", "10.0"),
        *("{6f1c9a52-2f0b-4a54-9f0e-3d5f5a1f7c11}", "ann@example.com", "100%", "#12"),
        *("user-17", "id-7", "null-7", "0e7f", "1e0", "0x1", "ffff", "nan-li", "a=b", "100%25"),
    ],
)
def test_real_ids_are_no_junk(value):
    assert not is_junk(value)


def test_nobody_can_be_identified_by_nothing():
    with pytest.raises(ValueError, match="Nobody is named"):
        identify(who("null"))


def test_known_somebody_costs_few_queries(django_assert_num_queries):
    identify(who("browser-1", user_id="7", email=EMAIL))

    with django_assert_num_queries(2):
        identify(who("browser-1", user_id="7", email=EMAIL))
    with django_assert_num_queries(1):
        identify(who("browser-1"))


@pytest.mark.django_db(transaction=True)
def test_the_same_person_seen_many_times_at_once_is_one_contact():
    identities = [who(f"browser-{n % 3}", user_id="7", email=EMAIL) for n in range(6)]

    found = run_at_once(*[lambda one=one: identify(one) for one in identities])

    assert len({contact.pk for contact in found}) == 1
    assert Contact.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_wants_the_same_rows_in_another_order_is_waited_for():
    first, second = (identify(who("shared", user_id=user_id)) for user_id in ("7", "8"))
    browsers = ContactIdentifier.objects.filter(value="shared")

    with ThreadPoolExecutor(1) as executor:
        with transaction.atomic():
            # As an erasure does: first the contacts, then what is known of them.
            Contact.objects.select_for_update().get(pk=first.pk)
            found = executor.submit(run_at_once, lambda: identify(who("shared", user_id="7")))
            wait_until_somebody_waits()
            browsers.select_for_update().get()
        assert found.result(timeout=60) == [first]

    assert browsers.get().contact == first != second


@pytest.mark.django_db(transaction=True)
def test_identities_that_overlap_do_not_wait_for_each_other_for_ever():
    identities = [
        who("a", "b", user_id="7"),
        who("b", "a", user_id="8"),
        who("b", user_id="7", email=EMAIL),
        who("a", email=EMAIL),
    ]

    for _ in range(5):
        run_at_once(*[lambda one=one: identify(one) for one in identities])

    assert Contact.objects.filter(email=EMAIL).count() == 1
