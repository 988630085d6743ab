"""What was refused is let in later: in order, once, as of then."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from activities import replaying
from activities.erasing import erase_contact
from activities.jobs import REPLAYS
from activities.models import (
    Activity,
    Correction,
    DataInput,
    EventCount,
    MappedName,
    RejectedActivity,
    Replay,
)
from activities.reading_again import why_not
from activities.replaying import cause_of, check_again, replay_lines, request_replay, stop_replay
from consents.agreements import record_agreement
from contacts.models import Contact
from jobs.working import work_off
from tests.factories import make_activity_type, make_channel, make_consent, make_contact
from tests.wire.app import App
from tests.wire.replays import NAME, age, replay
from tests.work import do_data_inputs

pytestmark = pytest.mark.django_db


def outcomes():
    return list(RejectedActivity.objects.order_by("at", "pk").values_list("replayed", flat=True))


def test_line_is_recorded_with_the_time_contact_channel_and_request_of_then():
    app = App()
    contact = app.create_contact()
    app.log({"type": NAME, "value": "7", "properties": {"months": 36}}, contact=contact)
    at, line = age(), RejectedActivity.objects.get()
    make_activity_type(NAME)

    found = replay()

    activity = Activity.objects.get()
    assert (activity.occurred_at, activity.value) == (at, "7")
    assert timezone.now() - activity.recorded_at < timedelta(minutes=1)
    assert (activity.channel, activity.request_id) == (app.channel, line.request_id)
    assert str(activity.contact.guid) == contact
    assert activity.properties == {"months": 36}
    line.refresh_from_db()
    assert (line.replayed, line.replayed_as, line.replay) == ("recorded", activity.pk, found)
    assert (found.status, found.total, found.recorded) == ("done", 1, 1)


def test_time_that_was_sent_counts():
    app = App()
    app.log({"type": NAME, "timestamp": "2026-05-04T10:30:00Z"})
    make_activity_type(NAME)

    replay()

    assert Activity.objects.get().occurred_at.isoformat() == "2026-05-04T10:30:00+00:00"


def test_lines_are_taken_in_the_order_in_which_they_came(monkeypatch):
    monkeypatch.setattr("activities.replaying._AT_A_TIME", 2)
    app, contact = App(), make_contact()
    app.log(*({"type": NAME, "value": str(n)} for n in range(5)), contact=contact.guid)
    make_activity_type(NAME)

    replay()

    assert list(Activity.objects.order_by("pk").values_list("value", flat=True)) == list("01234")


def test_line_is_replayed_once():
    app = App()
    app.log({"type": NAME})
    make_activity_type(NAME)
    line = RejectedActivity.objects.get()

    replay()

    assert request_replay(cause_of(line), None) is None
    line.refresh_from_db()
    assert why_not(line) == "It was replayed, and is recorded: a line is replayed once."
    # Whatever somebody does to the row, its id is claimed.
    RejectedActivity.objects.update(replayed="", replayed_as=None)
    assert replay().repeated == 1
    assert Activity.objects.count() == 1


def test_what_was_meanwhile_sent_again_with_its_id_counts_once():
    app, contact = App(), make_contact()
    activity = {"type": NAME, "id": str(uuid.uuid4())}
    app.log(activity, contact=contact.guid)
    make_activity_type(NAME)
    app.log(activity, contact=contact.guid)

    found = replay()

    line = RejectedActivity.objects.get()
    assert (found.recorded, found.repeated) == (0, 1)
    assert (line.replayed, line.replayed_as) == ("repeated", Activity.objects.get().pk)


def test_what_was_meanwhile_sent_again_with_its_idempotency_key_counts_once():
    app = App()
    message = app.message({"type": NAME}, {"type": NAME})
    headers = {"Idempotency-Key": "order-1"}
    app.post("/activities", message, headers=headers)
    make_activity_type(NAME)
    app.post("/activities", message, headers=headers)

    assert replay().repeated == 2
    assert Activity.objects.count() == 2


def test_two_thousand_lines_of_which_thirty_still_fail(monkeypatch):
    monkeypatch.setattr(replaying, "_MOST_SECONDS", 60.0)
    app, contact = App(), make_contact()
    values = ["x" * 251] * 30 + ["1"] * 1970
    for part in range(0, 2000, 500):
        activities = [{"type": NAME, "value": value} for value in values[part : part + 500]]
        app.log(*activities, contact=contact.guid)
    make_activity_type(NAME)
    lines = RejectedActivity.objects.select_related("channel__tracking_consent")
    checked = check_again(lines.order_by("at", "pk"))
    assert (checked.looked_at, checked.would_pass, checked.without_id) == (2000, 1970, 2000)

    found = replay()

    assert (found.total, found.recorded, found.failed) == (2000, 1970, 30)
    assert Activity.objects.count() == 1970
    failed = RejectedActivity.objects.filter(replayed="failed")
    assert set(failed.values_list("replay_code", flat=True)) == {"too_long"}
    # Neither are they kept nor counted another time, and pass once that is mended.
    assert RejectedActivity.objects.count() == 2000
    assert sum(EventCount.objects.values_list("count", flat=True)) == 2000
    Correction.objects.create(code="too_long", field="value", action="cut")
    again = replay(failed.first())
    assert (again.total, again.recorded) == (30, 30)


def test_type_that_is_deleted_meanwhile_refuses_the_rest(monkeypatch):
    monkeypatch.setattr("activities.replaying._AT_A_TIME", 1)
    app = App()
    app.log({"type": NAME}, {"type": NAME})
    loan = make_activity_type(NAME)
    found = request_replay(cause_of(RejectedActivity.objects.earliest("pk")), None)
    replaying._go_on(found.pk)
    Activity.objects.all().delete()
    loan.delete()
    replay_lines([found.pk])

    assert outcomes() == ["recorded", "failed"]
    assert RejectedActivity.objects.get(replayed="failed").replay_code == "unknown_type"


def test_contact_who_was_erased_meanwhile_is_not_made_again():
    app, contact = App(), make_contact()
    app.log({"type": NAME}, contact=contact.guid)
    app.log({"type": NAME})
    make_activity_type(NAME)
    line = RejectedActivity.objects.earliest("pk")
    found = request_replay(cause_of(line), None)
    erase_contact(contact.pk)
    # As if the line had come while the contact was erased.
    line.save(force_insert=True)

    work_off(REPLAYS)

    assert outcomes() == ["failed", "recorded"]
    line.refresh_from_db()
    assert line.replay_code == "unknown_contact"
    assert not Contact.objects.filter(guid=contact.guid).exists()
    assert found.total == 2


def test_erasing_forgets_what_was_replayed_under_a_name_of_the_person():
    app, contact = App(), make_contact(email="ada@example.com")
    app.log({"type": "ada@example.com"})
    replay(RejectedActivity.objects.get())

    erase_contact(contact.pk)

    assert not RejectedActivity.objects.exists()
    assert Replay.objects.get().named == ""


def test_merged_contact_has_what_was_refused():
    app, loser, survivor = App(), make_contact(), make_contact()
    app.log({"type": NAME}, contact=loser.guid)
    loser.merged_into = survivor
    loser.save()
    make_activity_type(NAME)

    replay()

    assert Activity.objects.get().contact == survivor
    assert Activity.objects.get().logged_as == loser.guid


def test_consent_is_asked_as_of_now():
    consent = make_consent()
    app = App(make_channel(tracking_consent=consent))
    revoked, silent = make_contact(), make_contact()
    for contact in (revoked, silent):
        app.log({"type": NAME}, contact=contact.guid)
    record_agreement(revoked, consent, agreed=False, channel=app.channel, language="en")
    make_activity_type(NAME)

    assert check_again(RejectedActivity.objects.all()).would_pass == 1
    replay()

    assert [one.contact for one in Activity.objects.all()] == [silent]
    assert RejectedActivity.objects.get(replayed="failed").replay_code == "consent"


def test_what_is_known_better_by_now_is_left_as_it_is():
    app = App()
    fields = {"ContactCity": "Bonn", "ContactFirstName": "Ada", "ContactCountry": "Germany"}
    contact = app.create_contact()
    app.log({"type": "datainput", "value": "F", "contactFields": fields}, contact=contact)
    age()
    app.log_data_input({"ContactCity": "Rome"}, contact)
    Correction.objects.create(code="bad_country", field="ContactCountry", action="country")

    replay()
    do_data_inputs()

    known = Contact.objects.get(guid=contact)
    assert (known.city, known.first_name, known.country) == ("Rome", "Ada", "DEU")
    assert DataInput.objects.count() == 2


def test_mapped_name_and_correction_let_lines_pass():
    app = App()
    app.log({"type": "loan_calc", "value": 5000})
    line = RejectedActivity.objects.get()
    MappedName.objects.create(sent="Loan_Calc", type=make_activity_type(NAME))
    assert check_again([line]).reasons == {"value must be a string.": 1}

    Correction.objects.create(code="wrong_type", field="value", action="text")

    assert check_again([line]).would_pass == 1
    replay()
    assert Activity.objects.get().value == "5000"


def test_payload_that_was_cut_is_not_replayed(settings):
    settings.REJECTED_PAYLOAD_BYTES = 100
    app = App()
    app.log({"type": NAME, "properties": {"a": "x" * 200}})
    make_activity_type(NAME)
    line = RejectedActivity.objects.get()

    assert why_not(line) == "Only 100 of 259 bytes were kept. Its sender has to send it again."
    assert request_replay(cause_of(line), None) is None


def test_requests_as_a_whole_and_those_of_strangers_are_not_replayed():
    app = App()
    app.post("/activities", b"{")
    app.post("/activities", app.message({"type": NAME}), headers={"Authorization": "Bearer x"})
    whole, stranger = RejectedActivity.objects.order_by("pk")

    assert why_not(whole) == "Only single activities of senders with a valid key can be read again."
    assert why_not(stranger) == "It came without a valid key, so nobody can say whose it is."
    for line in (whole, stranger):
        assert request_replay(cause_of(line), None) is None


def test_one_line_alone_can_be_replayed():
    app = App()
    app.log({"type": NAME}, {"type": NAME})
    make_activity_type(NAME)
    _, second = RejectedActivity.objects.order_by("pk")

    found = request_replay(cause_of(second), None, line=second.pk)
    work_off(REPLAYS)

    assert found.total == 1
    assert outcomes() == ["", "recorded"]


def test_asking_twice_is_asking_once():
    app = App()
    app.log({"type": NAME})
    cause = cause_of(RejectedActivity.objects.get())

    first, second = request_replay(cause, None), request_replay(cause, None)

    assert first == second
    assert Replay.objects.count() == 1


def test_lines_that_come_after_the_replay_was_asked_for_are_none_of_it():
    app = App()
    app.log({"type": NAME})
    found = request_replay(cause_of(RejectedActivity.objects.get()), None)
    app.log({"type": NAME})
    make_activity_type(NAME)

    work_off(REPLAYS)

    assert outcomes() == ["recorded", ""]
    assert found.total == 1


def test_replay_can_be_stopped(monkeypatch):
    monkeypatch.setattr("activities.replaying._AT_A_TIME", 1)
    app = App()
    app.log({"type": NAME}, {"type": NAME})
    make_activity_type(NAME)
    found = request_replay(cause_of(RejectedActivity.objects.earliest("pk")), None)
    replaying._go_on(found.pk)

    assert stop_replay(found)
    work_off(REPLAYS)
    assert outcomes() == ["recorded", ""]
    assert not stop_replay(found)


def test_database_keeps_an_activity_from_coming_from_two_lines():
    app = App()
    app.log({"type": NAME}, {"type": NAME})
    make_activity_type(NAME)
    first, second = RejectedActivity.objects.order_by("pk")
    replay()
    first.refresh_from_db()

    with pytest.raises(IntegrityError, match="one_line"), transaction.atomic():
        RejectedActivity.objects.filter(pk=second.pk).update(replayed_as=first.replayed_as)
    with pytest.raises(IntegrityError, match="leads_to"), transaction.atomic():
        RejectedActivity.objects.filter(pk=second.pk).update(replayed_as=None)
