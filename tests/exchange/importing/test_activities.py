"""Rows of files become activities."""

import pytest
from django.utils import timezone

from activities.models import Activity, ActivityTypeUse, RejectedActivity
from activities.seen import catch_up
from contacts.models import Touched
from exchange.importing.acting import CannotImport, start_import, work_through
from exchange.importing.taking_back import given_by
from tests.exchange.importing.previewing import previewed
from tests.factories import make_activity_type, make_channel, make_contact, make_rule

pytestmark = pytest.mark.django_db

TEXT = (
    "email,guid,type,time,value,url,property:amount\n"
    "ann@example.com,,custom_loan_calculator,2024-03-05 10:00,5000,https://a.example/,12\n"
    ",{guid},custom_loan_calculator,2024-03-06T11:00:00+01:00,7,,\n"
    "nobody@example.com,,custom_loan_calculator,2024-03-06,7,,\n"
    "ann@example.com,,nothing,2024-03-06,7,,\n"
    "ann@example.com,,pagevisit,2024-03-06,7,,\n"
    "ann@example.com,,custom_loan_calculator,31.12.1899,7,,\n"
)


def test_import_records_activities_by_the_rules_of_recording(imports):
    ann = make_contact(email="Ann@example.com")
    bob = make_contact()
    make_activity_type()
    channel = make_channel()
    text = TEXT.format(guid=bob.guid)
    import_ = imports.bring_in(text, kind="activities", channel=channel)
    assert import_.counts == {
        **{"rows": 6, "create": 2, "update": 0, "merge": 0, "unchanged": 0, "reject": 4}
    }
    one, other = Activity.objects.order_by("occurred_at")
    assert (one.contact, one.channel, one.value, one.url) == (
        *(ann, channel, "5000", "https://a.example/"),
    )
    assert (one.properties, one.occurred_at.isoformat()) == (
        {"amount": "12"},
        "2024-03-05T10:00:00+00:00",
    )
    assert (other.contact, other.occurred_at.isoformat()) == (bob, "2024-03-06T10:00:00+00:00")
    assert {one.request_id, other.request_id} == {import_.request_id}
    assert {group["code"]: group["count"] for group in import_.errors} == {
        **{"unknown_contact": 1, "unknown_type": 1, "missing_url": 1, "bad_date": 1}
    }
    assert not RejectedActivity.objects.exists()


def test_undo_deletes_the_activities_of_the_import_alone(imports):
    ann = make_contact(email="ann@example.com")
    make_activity_type()
    channel = make_channel()
    text = "email,type,value\nann@example.com,custom_loan_calculator,{}\n"
    kept = imports.bring_in(text.format(1), kind="activities", channel=channel)
    import_ = imports.bring_in(text.format(2), kind="activities", channel=channel)
    catch_up()
    assert imports.undo(import_) == {"restored": 0, "removed": 1, "kept": {}}
    assert [(one.value, one.request_id) for one in Activity.objects.all()] == [
        ("1", kept.request_id)
    ]
    assert list(Touched.objects.values_list("contact", flat=True)) == [ann.pk]


def test_activities_that_break_a_rule_of_their_type_are_refused(imports):
    make_contact(email="ann@example.com")
    loan = make_activity_type(on_wrong="reject")
    make_rule(loan, "amount", kind="number")
    text = (
        "email,type,property:amount\n"
        "ann@example.com,custom_loan_calculator,much\n"
        "ann@example.com,custom_loan_calculator,12.5\n"
    )
    import_ = imports.bring_in(text, kind="activities", channel=make_channel())
    assert (import_.counts["create"], import_.counts["reject"]) == (1, 1)


def test_activities_need_a_channel(imports):
    make_contact(email="ann@example.com")
    text = "email,type,time\nann@example.com,pagevisit,\n"
    with pytest.raises(CannotImport, match="channel"):
        start_import(imports.check(text, kind="activities"))


def test_activities_that_are_counted_are_uncounted_by_the_undo(imports):
    make_contact(email="ann@example.com")
    loan = make_activity_type()
    text = f"email,type,time\nann@example.com,{loan.code_name},{timezone.now():%Y-%m-%d}\n"
    import_ = imports.bring_in(text, kind="activities", channel=make_channel())
    ActivityTypeUse.objects.update_or_create(type=loan, defaults={"count": 5})
    imports.undo(import_)
    # Within a transaction nothing was read, so nothing was counted.
    assert ActivityTypeUse.objects.get(type=loan).count == 5


VISITS = (
    "email,type,time,value\n"
    "ann@example.com,custom_loan_calculator,2024-03-05 10:00,1\n"
    "Ann@example.com,custom_loan_calculator,2024-03-05 10:00,1\n"
    "ann@example.com,custom_loan_calculator,2024-03-06 10:00,1\n"
    "ann@example.com,custom_loan_calculator,,1\n"
    "ann@example.com,nothing,2024-03-06 10:00,1\n"
)


def test_file_that_is_imported_again_records_nothing_twice(imports):
    make_contact(email="ann@example.com")
    make_activity_type()
    channel = make_channel()
    first = imports.bring_in(VISITS, kind="activities", channel=channel)
    # Two rows that say the same are two activities.
    assert (first.counts["create"], first.counts["reject"]) == (4, 1)
    again = imports.check(VISITS, kind="activities", channel=channel)
    assert (again.counts["create"], again.counts["unchanged"], again.counts["reject"]) == (0, 4, 1)
    (warning,) = again.warnings
    assert (warning["code"], warning["count"], warning["examples"][0]["row"]) == ("recorded", 4, 2)
    start_import(again)
    work_through(again)
    assert (again.counts["create"], again.counts["unchanged"], again.counts["reject"]) == (0, 4, 1)
    assert Activity.objects.count() == 4
    assert imports.undo(again) == {"restored": 0, "removed": 0, "kept": {}}
    # Once it is undone, it can be imported anew.
    assert imports.undo(first)["removed"] == 4
    assert imports.bring_in(VISITS, kind="activities", channel=channel).counts["create"] == 4


def test_undo_is_told_by_what_the_import_has_recorded_and_not_by_counting_the_log(
    imports, django_assert_num_queries
):
    make_contact(email="ann@example.com")
    make_activity_type()
    import_ = imports.bring_in(VISITS, kind="activities", channel=make_channel())
    with django_assert_num_queries(0):
        assert previewed(import_) == {"restored": 0, "removed": 4, "kept": {}}
        assert given_by(import_, 10) == {}


def test_larger_file_records_what_is_new_in_it(imports):
    make_contact(email="ann@example.com")
    make_activity_type()
    channel = make_channel()
    imports.bring_in(VISITS, kind="activities", channel=channel)
    more = VISITS + (
        "ann@example.com,custom_loan_calculator,2024-03-05T10:00:00,1\n"
        "ann@example.com,custom_loan_calculator,2024-03-06 10:00,2\n"
    )
    import_ = imports.bring_in(more, kind="activities", channel=channel)
    # A third time the same, another value, and what has no time: when that was, only its file says.
    assert (import_.counts["create"], import_.counts["unchanged"]) == (3, 3)
    other = imports.bring_in(VISITS, kind="activities", channel=make_channel())
    assert other.counts["create"] == 4


def test_rows_that_were_recorded_since_the_check_count_as_such(imports):
    make_contact(email="ann@example.com")
    make_activity_type()
    channel = make_channel()
    waiting = imports.check(VISITS, kind="activities", channel=channel)
    imports.bring_in(VISITS, kind="activities", channel=channel)
    start_import(waiting)
    work_through(waiting)
    assert (waiting.counts["create"], waiting.counts["unchanged"]) == (0, 4)
    assert Activity.objects.count() == 4


def test_id_that_comes_twice_counts_once(imports):
    make_contact(email="ann@example.com")
    make_activity_type()
    row = "ann@example.com,custom_loan_calculator,{},0f8fad5b-d9cb-469f-a165-70867728950e\n"
    text = "email,type,value,id\n" + row.format(1) + row.upper().format(2)
    import_ = imports.check(text, kind="activities", channel=make_channel())
    assert (import_.counts["create"], import_.counts["unchanged"]) == (1, 1)
    start_import(import_)
    work_through(import_)
    assert (import_.counts["create"], import_.counts["unchanged"]) == (1, 1)
    assert Activity.objects.get().value == "1"
