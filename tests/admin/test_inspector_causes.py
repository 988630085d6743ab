"""The pages of the inspector about causes: what is refused, and what can be done about it."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from activities.causes import similar_names
from activities.jobs import REPLAYS
from activities.models import (
    Activity,
    ActivityType,
    Correction,
    MappedName,
    RejectedActivity,
    Replay,
)
from adminsite.formatting import change_url, changelist_url
from jobs.working import work_off
from tests.admin.causes import ACT, BASE, CAUSES, NAME, act, line, page_of
from tests.admin.history import NASTY
from tests.factories import make_activity_type, make_channel

pytestmark = pytest.mark.django_db


def test_causes_are_counted_the_most_lines_first(admin_client):
    channel = make_channel(name="Shop")
    for _ in range(3):
        line(channel=channel)
    line("other", channel=channel)
    line(channel=make_channel(name="Bank"))

    rows = admin_client.get(CAUSES).context["rows"]

    assert [(row["sender"], row["number"]) for row in rows][:1] == [("Shop · Tracking API", 3)]
    assert len(rows) == 3


def test_causes_of_another_time_or_kind_are_others(admin_client):
    old = line()
    RejectedActivity.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=8))
    line("bot", status="filtered")
    line("remark", status="invalid_accepted")

    def named(**query):
        return [row["reason"] for row in admin_client.get(CAUSES, query).context["rows"]]

    assert named() == []
    assert named(days="30") == ["There is no activity type “loan_calc”."]
    assert named(kind="left-out") == ["There is no activity type “bot”."]
    assert named(kind="remarks", days="1") == ["There is no activity type “remark”."]
    assert named(kind="nonsense", days="-1") == []


@pytest.mark.parametrize("count", [1, 3])
def test_list_of_causes_asks_the_same_for_any_number(admin_client, count):
    for number in range(count):
        line(f"type{number}")
    admin_client.get(CAUSES)

    with CaptureQueriesContext(connection) as queries:
        admin_client.get(CAUSES)

    assert len(queries) == 14


def test_what_was_sent_cannot_break_out_of_the_pages(admin_client):
    one = line(NASTY, reason=NASTY, field=NASTY[:100], code="wrong_property")

    for html in (admin_client.get(CAUSES).text, page_of(admin_client, one).text):
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_page_of_a_cause_says_what_is_meant(admin_client):
    make_activity_type(NAME)
    one = line("loanCalculator")

    assert f"Did you mean <code>{NAME}</code>?" in admin_client.get(CAUSES).text
    assert f"Did you mean {NAME}?" in page_of(admin_client, one).text


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("CUSTOM_LOAN_CALCULATOR", [NAME]),
        ("loan-calculator", [NAME]),
        ("loan_calculater", [NAME]),
        ("Loan calc", [NAME]),
        ("mortgage", []),
        ("", []),
        ("---", []),
        ("custom_", []),
        ("プリン", ["プリント"]),
    ],
)
def test_similar_names(sent, meant):
    known = {NAME: "Calculator", "custom_brochure": "Brochure", "プリント": "プリント"}

    assert similar_names(sent, known) == meant


def test_type_is_created_and_lines_pass(admin_client):
    one = line()

    assert "is there from now on" in act(admin_client, one, "create").text

    assert ActivityType.objects.get(code_name="loan_calc").door == ""
    assert LogEntry.objects.get().change_message == "Created from the inspector."
    html = admin_client.get(reverse(f"{BASE}check"), {"cause": one.pk}).text
    assert "would be recorded now" in html
    act(admin_client, one, "replay")
    work_off(REPLAYS)
    assert Activity.objects.get().type.code_name == "loan_calc"
    assert Replay.objects.get().requested_by.username == "admin"


def test_type_of_an_event_name_keeps_its_spaces_and_its_format(admin_client):
    one = line("Loan calculated", code="new_event_name", door="activecampaign")

    act(admin_client, one, "create")

    assert ActivityType.objects.get(code_name="Loan calculated").door == "activecampaign"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("loan_calc", "is there already"),
        ("with spaces", "Use letters, digits"),
        ("", "This is no name of a type"),
        ("x" * 250, "This is no name of a type"),
    ],
)
def test_type_that_cannot_be_made_says_why(admin_client, named, said):
    make_activity_type("LOAN_CALC")

    assert said in act(admin_client, line(named), "create").text
    assert ActivityType.objects.filter(is_system=False).count() == 1


def test_disabled_type_is_enabled(admin_client):
    loan = make_activity_type("loan_calc", enabled=False)
    one = line(code="disabled_type")

    assert "Enable the type" in page_of(admin_client, one).text
    act(admin_client, one, "enable")

    loan.refresh_from_db()
    assert loan.enabled
    assert "is enabled already" in act(admin_client, one, "enable").text


def test_type_that_was_deleted_meanwhile_is_neither_enabled_nor_meant(admin_client):
    one = line(code="disabled_type")

    assert "not there any more" in act(admin_client, one, "enable").text
    gone = {"map-type": "gone", "map-scope": "channel"}
    assert "may have been deleted meanwhile" in act(admin_client, one, "map", **gone).text


@pytest.mark.parametrize("scope", ["channel", "door", "all"])
def test_name_is_mapped_for_some_senders(admin_client, scope):
    loan, one = make_activity_type(NAME), line()

    act(admin_client, one, "map", **{"map-type": NAME, "map-scope": scope})

    mapped = MappedName.objects.get()
    assert (mapped.sent, mapped.type) == ("loan_calc", loan)
    assert mapped.channel == (one.channel if scope == "channel" else None)
    assert mapped.door == ("headless" if scope == "door" else "")
    assert f'In force: <a href="{change_url(mapped)}' in page_of(admin_client, one).text
    again = act(admin_client, one, "map", **{"map-type": NAME, "map-scope": scope})
    assert "mapped already" in again.text


def test_field_is_corrected_by_rule(admin_client):
    loan = make_activity_type(NAME)
    one = line(NAME, code="wrong_type", field="value")
    assert "Correct the field" in page_of(admin_client, one).text

    given = {"correct-action": "text", "correct-of_type": "type", "correct-scope": "channel"}
    act(admin_client, one, "correct", **given)

    correction = Correction.objects.get()
    assert (correction.code, correction.field, correction.action) == ("wrong_type", "value", "text")
    assert (correction.type, correction.channel) == (loan, one.channel)
    assert change_url(correction) in page_of(admin_client, one).text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"action": "country"}, "not one of the available choices"),
        ({"action": "default"}, "Write the text that the hub fills in."),
        ({"action": "default", "text": "x", "scope": "moon"}, "not one of the available choices"),
    ],
)
def test_correction_that_makes_no_sense_is_refused(admin_client, given, said):
    one = line("", code="missing_value", field="value")
    given = {"of_type": "all", "scope": "all", **given}

    response = act(admin_client, one, "correct", **{f"correct-{k}": v for k, v in given.items()})

    assert said in response.text
    assert not Correction.objects.exists()


def test_check_says_why_lines_would_still_be_refused(admin_client):
    one = line()

    html = admin_client.get(reverse(f"{BASE}check"), {"cause": one.pk}).text

    assert '<strong class="font-semibold">0</strong> of 1' in html
    assert "1 time: There is no activity type “loan_calc”." in html
    assert "came without an id" in html


def test_line_that_cannot_be_replayed_says_why_and_has_no_button(admin_client):
    cut = line(context={"cut": True}, payload_length=50_000)

    page = admin_client.get(change_url(cut)).text

    assert "of 50,000 bytes were kept. Its sender has to send it again." in page
    assert "Replay this line" not in page
    assert "Its sender has to send it again." in page_of(admin_client, cut).text


def test_one_line_is_replayed_from_its_page_and_leads_to_its_activity(admin_client):
    make_activity_type("loan_calc")
    one, other = line(), line()
    assert "Replay this line" in admin_client.get(change_url(one)).text

    response = act(admin_client, one, "replay", line=one.pk)
    work_off(REPLAYS)

    assert response.redirect_chain == [(change_url(one), 302)]
    html = admin_client.get(change_url(one)).text
    assert change_url(Activity.objects.get()) in html
    assert "a line is replayed once" in html
    other.refresh_from_db()
    assert other.replayed == ""


def test_page_of_a_replay_says_how_far_it_is_and_why_lines_were_refused(admin_client):
    make_activity_type("loan_calc")
    channel = make_channel()
    one = line(channel=channel)
    line(channel=channel, contact_guid="nobody")
    act(admin_client, one, "replay")
    replay = Replay.objects.get()
    assert 'hx-trigger="every 2s"' in admin_client.get(change_url(replay)).text

    work_off(REPLAYS)

    html = admin_client.get(reverse("admin:activities_replay_progress", args=[replay.pk])).text
    assert "hx-trigger" not in html
    assert "1 time: What was kept does not say which contact it is about." in html
    assert f"{changelist_url(RejectedActivity)}?replay={replay.pk}" in html
    failed = f"replay={replay.pk}&replayed__exact=failed"
    assert "1 inspector line<" in admin_client.get(changelist_url(RejectedActivity, failed)).text


def test_page_of_a_cause_says_how_far_its_replay_is_until_it_is_over(admin_client):
    make_activity_type("loan_calc")
    one = line()
    assert "every 2s" not in page_of(admin_client, one).text
    act(admin_client, one, "replay")

    waiting = page_of(admin_client, one).text
    work_off(REPLAYS)
    over = page_of(admin_client, one).text

    assert 'hx-trigger="every 2s"' in waiting
    assert "A replay of these lines is under way." in waiting
    assert "every 2s" not in over
    assert "A replay of these lines is under way." not in over
    for label in ("State", "Recorded", "Already there", "Refused again"):
        assert f'<td data-label="{label}">' in over


def test_cause_that_is_mended_stands_behind_the_others_and_suggests_nothing(admin_client):
    make_activity_type(NAME)
    channel = make_channel()
    one, *_ = [line("loan_calculater", channel=channel) for _ in range(3)]
    line("webinar", channel=channel)

    def rows():
        shown = admin_client.get(CAUSES).context["rows"]
        return [(row["number"], row["mended"], row["is_mended"], row["meant"]) for row in shown]

    assert rows() == [(3, 0, False, NAME), (1, 0, False, "")]
    act(admin_client, one, "map", **{"map-type": NAME, "map-scope": "channel"})
    assert rows()[0] == (3, 0, False, "")
    act(admin_client, one, "replay")
    work_off(REPLAYS)

    assert rows() == [(1, 0, False, ""), (3, 3, True, "")]
    page = page_of(admin_client, one)
    assert page.context["meant"] == []
    assert "Everything of it was let in since." in page.text
    line("loan_calculater", channel=channel)
    assert "Everything of it was let in since." not in page_of(admin_client, one).text


@pytest.mark.parametrize("scope", ["channel", "door", "all"])
def test_name_that_is_mapped_for_other_senders_is_still_suggested_for_this_one(admin_client, scope):
    make_activity_type(NAME)
    one, other = line("loan_calculater"), line("loan_calculater", door="activecampaign")
    act(admin_client, one, "map", **{"map-type": NAME, "map-scope": scope})

    meant = [page_of(admin_client, each).context["meant"] for each in (one, other)]

    assert meant == [[], [] if scope == "all" else [NAME]]


def test_replay_is_stopped_once(admin_client):
    act(admin_client, line(), "replay")
    replay = Replay.objects.get()
    url = reverse("admin:activities_replay_stop", args=[replay.pk])

    assert "What was recorded stays" in admin_client.post(url, follow=True).text
    assert "was over already" in admin_client.post(url, follow=True).text


def test_lines_of_a_cause_are_a_filter_of_the_list(admin_client):
    channel = make_channel()
    one = line(channel=channel)
    line(channel=channel)
    line("other", channel=channel)

    html = admin_client.get(changelist_url(RejectedActivity, f"cause={one.pk}")).text

    assert "2 inspector lines<" in html
    for nonsense in ("cause=x", "cause=99999999", "replay=x"):
        assert "0 inspector lines<" in (
            admin_client.get(changelist_url(RejectedActivity, nonsense)).text
        )


@pytest.mark.parametrize("query", ["", "?cause=", "?cause=x", "?cause=999999999", "?cause=%00"])
def test_cause_that_is_not_there_any_more_is_not_found(admin_client, query):
    assert admin_client.get(f"{reverse(f'{BASE}cause')}{query}").status_code == 404
    assert admin_client.post(ACT, {"cause": query[7:], "do": "replay"}).status_code == 404


def test_every_page_needs_the_right_to_see_the_inspector(log_in):
    client = log_in("view_activity")
    one = line()

    for name in ("causes", "live", "live_rows", "senders"):
        assert client.get(reverse(f"{BASE}{name}")).status_code == 403
    for name in ("cause", "check"):
        assert client.get(reverse(f"{BASE}{name}"), {"cause": one.pk}).status_code == 403
    assert client.post(ACT, {"cause": one.pk, "do": "replay"}).status_code == 403


@pytest.mark.parametrize("do", ["create", "enable", "map", "correct", "replay"])
def test_user_who_may_only_look_is_offered_nothing_and_can_do_nothing(log_in, do):
    client = log_in("view_rejectedactivity")
    make_activity_type(NAME)
    one = line("loan_calculator")

    html = page_of(client, one).text + client.get(reverse(f"{BASE}check"), {"cause": one.pk}).text

    assert 'name="do"' not in html
    assert client.post(ACT, {"cause": one.pk, "do": do}).status_code == 403
    assert not Replay.objects.exists()


def test_right_that_is_lost_while_a_page_is_open_counts_at_once(log_in):
    client = log_in("view_rejectedactivity", "replay_rejectedactivity")
    make_activity_type("loan_calc")
    one = line()
    assert 'value="replay"' in client.get(reverse(f"{BASE}check"), {"cause": one.pk}).text

    user = User.objects.get(username="reader")
    user.user_permissions.remove(Permission.objects.get(codename="replay_rejectedactivity"))

    assert client.post(ACT, {"cause": one.pk, "do": "replay"}).status_code == 403
    user.user_permissions.clear()
    assert client.get(reverse(f"{BASE}live_rows")).status_code == 403
    assert not Replay.objects.exists()


def test_nonsense_does_nothing(admin_client):
    assert "no such thing to do" in act(admin_client, line(), "explode").text


def test_correction_form_offers_what_helps(admin_client):
    url = reverse("admin:activities_correction_add")
    given = {"code": "too_long", "field": "value", "action": "country", "enabled": "on"}

    assert "With this reason only these help" in admin_client.post(url, given).text
    assert "cannot be corrected" in admin_client.post(url, {**given, "code": "consent"}).text
    admin_client.post(url, {**given, "action": "cut"})
    assert Correction.objects.get().action == "cut"
