from datetime import timedelta

import pytest
from django.utils import timezone

from activities.erasing import erase_contact
from activities.models import DataInput
from consents.models import ConsentAgreement, CurrentAnswer
from contacts import erasures
from contacts.annotating import add_note
from contacts.erased_names import Names
from contacts.jobs import ERASURES
from contacts.models import Contact, ContactChange, ContactIdentifier, ContactMerge, Erasure
from jobs.working import work_off
from privacy.certificates import as_names
from privacy.jobs import RETENTION
from privacy.models import (
    Certificate,
    DictionaryEntry,
    LastActivity,
    PersonRequest,
    RetentionRun,
)
from privacy.retention import people, running
from privacy.retention.rules import start
from privacy.verifying import verify
from tests.automations.mails import add_event, make_email
from tests.automations.running import enter, make_automation
from tests.factories import make_activity, make_activity_type, make_consent, make_contact
from tests.privacy.old import ago, deleted_by, rule_for, tried

pytestmark = pytest.mark.django_db


def contact_of(days, **fields):
    """A contact that was made so many days ago."""
    return make_contact(created_at=ago(days), **fields)


def known(days, **fields):
    return contact_of(days, **{"first_name": "Anna", **fields})


def answer(contact, consent, *, agreed, at):
    ConsentAgreement.objects.create(
        contact=contact, consent=consent, text=consent.texts.get(), agreed=agreed, at=at
    )


def left():
    return set(Contact.objects.values_list("pk", flat=True))


def test_anonymous_contacts_go_and_known_ones_stay():
    old = contact_of(91)
    stays = [
        contact_of(89),
        known(91),
        contact_of(91, mobile_phone="0664"),
        contact_of(91, birthday=timezone.localdate()),
        contact_of(91, city="Graz"),
    ]
    rule = rule_for(kind="anonymous", days=90)

    dry = tried(rule)
    assert (dry.found, dry.total, dry.examples) == (1, 6, [old.pk])
    assert (dry.oldest, dry.newest) == (old.created_at, old.created_at)
    assert dry.months == {timezone.localtime(old.created_at).strftime("%Y-%m"): 1}
    run = deleted_by(rule)

    assert (run.status, run.found, run.deleted, run.kept) == ("done", 1, 1, 0)
    assert left() == {one.pk for one in stays}


@pytest.mark.parametrize(
    ("kind", "is_known"),
    [("anonymous_id", False), ("user_id", True), ("email_sha256", True), ("email_md5", True)],
)
def test_what_another_system_knows_somebody_by_makes_them_known(kind, is_known):
    contact = contact_of(91)
    ContactIdentifier.objects.create(contact=contact, site_id="1", kind=kind, value="x")

    assert tried(rule_for(kind="anonymous", days=90)).found == (not is_known)
    assert tried(rule_for(kind="inactive", days=90)).found == is_known


def test_a_note_of_a_colleague_makes_somebody_known():
    add_note(contact_of(91).pk, "The man with the dog.", by=None)

    assert tried(rule_for(kind="anonymous", days=90)).found == 0


@pytest.mark.parametrize("sign", ["activity", "deleted", "answer", "change", "opened", "none"])
@pytest.mark.parametrize("days", [29, 31])
def test_a_sign_of_life_keeps_a_contact(sign, days):
    contact = known(99, email="anna@example.com")
    at = ago(days)
    if sign == "activity":
        make_activity(contact, occurred_at=at, recorded_at=at)
    elif sign == "deleted":
        LastActivity.objects.create(contact=contact, at=at)
    elif sign == "answer":
        answer(contact, make_consent(), agreed=False, at=at)
    elif sign == "change":
        ContactChange.objects.create(
            contact=contact, source="api", before={"city": ""}, after={"city": "Graz"}, at=at
        )
    elif sign == "opened":
        add_event(make_email(contact), "opened", at=at)
    inactive = sign == "none" or days > 30

    assert tried(rule_for(kind="inactive", days=30)).found == inactive


@pytest.mark.parametrize("no_sign", ["merge", "robot", "sent", "to come"])
def test_what_they_did_not_do_themselves_is_no_sign_of_life(no_sign):
    contact = known(99, email="anna@example.com")
    if no_sign == "merge":
        merge = ContactMerge.objects.create(
            survivor=contact, loser=make_contact(), reason="email", status="dismissed"
        )
        ContactChange.objects.create(
            contact=contact, source="merge", merge=merge, before={"city": ""}, after={"city": "A"}
        )
    elif no_sign == "to come":
        at = timezone.now() + timedelta(days=3650)
        make_activity(contact, occurred_at=at, recorded_at=ago(90))
    else:
        add_event(make_email(contact), "sent" if no_sign == "sent" else "opened", by_robot=True)

    assert tried(rule_for(kind="inactive", days=30)).found == 1


@pytest.mark.parametrize("busy", ["run", "data input", "merge", "request"])
def test_who_is_still_needed_stays_and_is_counted(busy):
    contact = known(99)
    if busy == "run":
        enter(make_automation({"type": "wait", "for": "300 days"}), contact)
    elif busy == "merge":
        ContactMerge.objects.create(survivor=contact, loser=known(1), reason="email")
    elif busy == "request":
        PersonRequest.objects.create(
            kind="access", contact=contact, way="email", received_on=timezone.localdate()
        )
    else:
        activity = make_activity(contact, occurred_at=ago(98), recorded_at=ago(98))
        DataInput.objects.create(contact=contact, activity=activity, fields={})
    rule = rule_for(kind="inactive", days=30)

    dry = tried(rule)
    assert (dry.found, dry.kept, dry.examples) == (1, 1, [])
    run = deleted_by(rule)

    assert (run.deleted, run.kept) == (0, 1)
    assert contact.pk in left()


def test_a_dry_run_says_how_many_agree_to_something():
    consent = make_consent()
    for agreed in (True, False):
        contact = known(99)
        answer(contact, consent, agreed=agreed, at=ago(98))

    run = tried(rule_for(kind="inactive", days=30))

    assert (run.found, run.agreeing) == (2, 1)


def test_who_was_merged_goes_with_the_survivor_only():
    survivor = known(99)
    merged = known(99, merged_into=survivor)
    rule = rule_for(kind="inactive", days=30)

    assert tried(rule).found == 1
    deleted_by(rule)

    assert left() & {survivor.pk, merged.pk} == set()


def test_all_is_looked_at_in_portions(monkeypatch):
    monkeypatch.setattr(people, "LOOKED_AT_ONCE", 2)
    old = [contact_of(99) for _ in range(5)]
    contact_of(1)

    dry = tried(rule_for(kind="anonymous", days=30))
    assert (dry.found, dry.total) == (5, 6)
    run = deleted_by(dry.rule)

    assert (run.deleted, run.total, left() & {one.pk for one in old}) == (5, 6, set())


def test_a_portion_ends_in_time_and_the_next_goes_on(monkeypatch):
    monkeypatch.setattr(running, "_SECONDS", -1.0)
    monkeypatch.setattr(running, "ERASED_AT_ONCE", 2)
    for _ in range(3):
        contact_of(99)
        known(99)
    ContactMerge.objects.create(survivor=contact_of(99), loser=contact_of(99), reason="email")
    rule = rule_for(kind="anonymous", days=30, enabled=True, enabled_at=timezone.now())
    run = start(rule, dry=False)
    # The first are erased in any case, or nothing would ever move.
    running.go_on([run.pk])
    run.refresh_from_db()
    assert (run.deleted, run.kept, run.total, run.status) == (2, 0, 3, "waiting")

    work_off(RETENTION)

    run.refresh_from_db()
    assert (run.deleted, run.kept, run.found, run.total) == (3, 2, 5, 8)
    assert run.status == "done"


def test_many_are_erased_together_and_each_run_says_how_many():
    old = [contact_of(99) for _ in range(5)]

    run = deleted_by(rule_for(kind="anonymous", days=30))

    certificate = Certificate.objects.get()
    assert (run.deleted, certificate.people, certificate.tables) == (5, 5, {"contacts": 5})
    assert certificate.names == as_names(Names(guids=[str(one.guid) for one in old]).digests())
    assert verify().is_ok


@pytest.mark.parametrize("sign", ["activity", "request", "merged", "cancelled"])
def test_who_came_back_when_names_were_about_to_go_stays(monkeypatch, sign):
    first, second = contact_of(99), contact_of(99)
    real = running.still

    def come_back(kind, before, contact_ids):
        # Their records are locked by now: this is what was committed just before.
        if sign == "activity":
            make_activity(second)
        elif sign == "request":
            PersonRequest.objects.create(
                kind="access", contact=second, way="email", received_on=timezone.localdate()
            )
        elif sign == "merged":
            Contact.objects.filter(pk=second.pk).update(merged_into=known(1))
        else:
            RetentionRun.objects.update(status="cancelled", finished_at=timezone.now())
        return real(kind, before, contact_ids)

    monkeypatch.setattr(running, "still", come_back)

    run = deleted_by(rule_for(kind="anonymous", days=30))

    if sign == "cancelled":
        assert (run.deleted, left()) == (0, {first.pk, second.pk})
    else:
        assert run.deleted == 1
        assert first.pk not in left()
        assert second.pk in left()


def test_an_erasure_that_fails_keeps_what_was_counted(monkeypatch):
    monkeypatch.setattr(running, "ERASED_AT_ONCE", 1)
    first, second = contact_of(99), contact_of(99)
    real = running.erase_contacts

    def erase(contact_ids, choose, **how):
        if second.pk in contact_ids:
            raise RuntimeError("The folder of erasures cannot be written.")
        assert how == {"reason": "retention"}
        return real(contact_ids, choose, **how)

    monkeypatch.setattr(running, "erase_contacts", erase)
    run = deleted_by(rule_for(kind="anonymous", days=30))

    assert (run.deleted, run.attempts, run.status) == (1, 1, "waiting")
    assert run.last_error == "RuntimeError: The folder of erasures cannot be written."
    assert left() == {second.pk}
    assert first.pk not in left()


def test_what_a_worker_that_died_had_begun_counts_and_is_ended_by_others(monkeypatch):
    class Died(BaseException):
        pass

    def die(key):
        raise Died

    old, late = contact_of(99), known(99)
    real = erasures._next_portion
    monkeypatch.setattr(erasures, "_next_portion", die)
    with pytest.raises(Died):
        deleted_by(rule_for(kind="anonymous", days=30))
    monkeypatch.setattr(erasures, "_next_portion", real)
    Erasure.objects.update(due_at=timezone.now())

    work_off(ERASURES)

    assert RetentionRun.objects.get().deleted == 1
    assert left() == {late.pk}
    assert Certificate.objects.get().people == 1
    assert old.pk not in left()


def test_proof_of_consent_is_for_the_erasure_to_keep():
    contact = contact_of(99)
    answer(contact, make_consent(), agreed=True, at=ago(98))

    deleted_by(rule_for(kind="anonymous", days=30))

    assert (ConsentAgreement.objects.count(), CurrentAnswer.objects.count()) == (0, 0)


def test_the_log_and_the_dictionary_forget_whom_an_erasure_is_about():
    contact = known(1, email="anna.marker@example.com")
    loan = make_activity_type(name="Visited by anna.marker@example.com")
    run = tried(rule_for(loan, days=30))
    for name in ("amount", "of anna.marker@example.com"):
        DictionaryEntry.objects.create(activity_type=loan, part="property", name=name)

    erase_contact(contact.pk)

    run.refresh_from_db()
    assert run.says == "Activities of the type “Visited by erased” are deleted after 30 days"
    assert list(DictionaryEntry.objects.values_list("name", flat=True)) == ["amount"]
