"""Activities that are refused one by one, each with its reason, while the rest is stored."""

import json
from uuid import UUID, uuid4

import pytest
from django.db import connection

from activities.admin.searching import search_rejections
from activities.models import Activity, RejectedActivity
from activities.problems import Status
from tests.factories import make_activity_type, make_contact
from tests.wire.app import App, assert_problem

pytestmark = pytest.mark.django_db

CLICK = b'{"type":"click","value":"Buy"}'


def containing(word):
    """The rejections that have this word in their payload, as the inspector searches."""
    return search_rejections(RejectedActivity.objects.all(), word)


@pytest.mark.parametrize(
    ("activity", "code", "field"),
    [
        pytest.param({}, "missing_type", "type", id="no-type"),
        pytest.param({"type": None}, "missing_type", "type", id="null-type"),
        pytest.param({"type": ""}, "missing_type", "type", id="empty-type"),
        pytest.param({"type": 5}, "missing_type", "type", id="numeric-type"),
        pytest.param({"type": ["click"]}, "missing_type", "type", id="type-in-a-list"),
        pytest.param({"type": "nonsense"}, "unknown_type", "type", id="unknown-type"),
        pytest.param({"type": "click\0", "value": "x"}, "unknown_type", "type", id="nul-in-type"),
        pytest.param({"type": " click", "value": "x"}, "unknown_type", "type", id="space-in-type"),
        pytest.param({"type": "x" * 5000}, "unknown_type", "type", id="very-long-type"),
        pytest.param({"type": "old"}, "disabled_type", "type", id="disabled-type"),
        pytest.param({"type": "OLD"}, "disabled_type", "type", id="disabled-in-capitals"),
        pytest.param({"type": "click"}, "missing_value", "value", id="click-without-value"),
        pytest.param({"type": "click", "value": ""}, "missing_value", "value", id="empty-value"),
        pytest.param({"type": "click", "value": None}, "missing_value", "value", id="null-value"),
        pytest.param({"type": "datainput"}, "missing_value", "value", id="input-without-value"),
        pytest.param({"type": "click", "value": 5}, "wrong_type", "value", id="numeric-value"),
        pytest.param({"type": "click", "value": True}, "wrong_type", "value", id="boolean-value"),
        pytest.param({"type": "click", "value": {}}, "wrong_type", "value", id="object-as-value"),
        pytest.param({"type": "click", "value": "x" * 251}, "too_long", "value", id="long-value"),
        pytest.param({"type": "click", "value": "🚀" * 251}, "too_long", "value", id="long-emoji"),
        pytest.param({"type": "click", "value": "a\0b"}, "bad_text", "value", id="nul-in-value"),
        pytest.param({"type": "pagevisit"}, "missing_url", "url", id="visit-without-url"),
        pytest.param({"type": "pagevisit", "url": ""}, "missing_url", "url", id="empty-url"),
        pytest.param({"type": "pagevisit", "url": 5}, "wrong_type", "url", id="numeric-url"),
        pytest.param({"type": "pagevisit", "url": "a\0b"}, "bad_text", "url", id="nul-in-url"),
        pytest.param(
            {"type": "click", "value": "x", "referrer": []}, "wrong_type", "referrer",
            id="list-as-referrer",
        ),
        pytest.param(
            {"type": "click", "value": "x", "referrer": "\0"}, "bad_text", "referrer",
            id="nul-in-referrer",
        ),
    ],
)  # fmt: skip
def test_bad_activity_is_refused_with_its_reason(activity, code, field):
    app = App()
    make_activity_type("old", enabled=False)
    guid = app.create_contact()
    sent = json.dumps(activity).encode()

    response = app.log_raw(CLICK, sent, CLICK, contact=guid)

    assert response.status_code == 207
    first, refused, last = response.json()["results"]
    assert first == last == {"status": 202}
    assert refused["status"] == 400
    assert refused["error"]["code"] == code
    assert refused["error"]["field"] == field
    assert refused["error"]["detail"]
    assert Activity.objects.count() == 2
    rejection = RejectedActivity.objects.get()
    assert (rejection.code, rejection.field) == (code, field)
    assert rejection.reason == refused["error"]["detail"]
    assert bytes(rejection.payload) == sent
    assert rejection.payload_length == len(sent)
    assert rejection.contact_guid == guid
    assert rejection.channel == app.channel
    assert rejection.door == "headless"
    assert rejection.request_id == UUID(response["Request-Id"])


@pytest.mark.parametrize(
    ("activity", "code"),
    [
        (b"null", "wrong_type"),
        (b"[]", "wrong_type"),
        (b"5", "wrong_type"),
        (b'"click"', "wrong_type"),
        (b"1e400", "malformed_json"),
        (b'{"type":"click","value":' + b"9" * 5000 + b"}", "malformed_json"),
        (b'{"type":"click","value":"\xff"}', "malformed_json"),
        (b'{"type":"click","value":"\xc0\x80"}', "malformed_json"),
    ],
)
def test_activity_that_cannot_be_read_does_not_fail_the_others(activity, code):
    app = App()

    response = app.log_raw(CLICK, activity, CLICK)

    assert response.status_code == 207, response.content
    results = response.json()["results"]
    assert [result["status"] for result in results] == [202, 400, 202]
    assert results[1]["error"]["code"] == code
    rejection = RejectedActivity.objects.get()
    assert rejection.code == code
    assert bytes(rejection.payload) == activity


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rb"Buy \ud83d", "Buy \ufffd"),
        (rb"\uDE80 Buy", "\ufffd Buy"),
        (rb"\ud83d\ud83d\ude80\ude80", "\ufffd🚀\ufffd"),
        (rb"\ud83dx\ude80", "\ufffdx\ufffd"),
        (rb"\\ud83d \ud83d", r"\ud83d" + " \ufffd"),
        (rb"\\\ud83d", "\\\ufffd"),
        (rb"\ud83d\\ude80", "\ufffd" + r"\ude80"),
        (b"Buy \xed\xa0\xbd", "Buy \ufffd"),
        (b"\xed\xba\x80 Buy", "\ufffd Buy"),
        (b"\xed\xa0\xbd\xed\xba\x80 Buy", "🚀 Buy"),
        (b"\xed\xa0\xbd\xed\xa0\xbd\xed\xba\x80", "\ufffd🚀"),
        (b"\xed\xa0\xbd \\ud83d", "\ufffd \ufffd"),
    ],
)
def test_half_of_a_character_is_replaced(sent, kept):
    app = App()

    response = app.log_raw(CLICK, b'{"type":"click","value":"%s"}' % sent, CLICK)

    assert response.json() == {"results": [{"status": 202}] * 3}
    values = Activity.objects.order_by("pk").values_list("value", flat=True)
    assert list(values) == ["Buy", kept, "Buy"]


def test_half_of_a_character_in_a_name_does_no_harm():
    app = App()

    response = app.log_raw(rb'{"\ud800":1,"type":"click","value":"Buy"}')

    assert response.json() == {"results": [{"status": 202}]}


@pytest.mark.parametrize(
    "activity",
    [
        b'{"type":"click","value":NaN}',
        b'{"type":"click","value":"\x00"}',
        b'{"type":"click","value":"line\nbreak"}',
        b'{"type":"click","value":01}',
        b'{"type":"click"',
        b"{'type':'click'}",
        b"",
    ],
)
def test_activity_that_is_no_json_makes_the_whole_body_none(activity):
    app = App()

    response = app.log_raw(CLICK, activity, CLICK)

    assert_problem(response, 400, "malformed_json")
    assert not Activity.objects.exists()
    assert RejectedActivity.objects.get().payload_length > len(activity)


def nested(depth, member=b"properties"):
    """An activity with a member that is nested this deep."""
    opening = b'{"a":' if member == b"properties" else b"["
    closing = b"}" if member == b"properties" else b"]"
    return b'{"type":"click","value":"Buy","%s":%s}' % (
        member,
        opening * depth + b"1" + closing * depth,
    )


@pytest.mark.parametrize("member", [b"properties", b"value", b"contactFields", b"id", b"ignored"])
def test_nesting_of_10000_levels_is_refused(member):
    app = App()

    response = app.log_raw(CLICK, nested(10_000, member))

    assert_problem(response, 400, "malformed_json")
    assert "nested too deeply" in response.json()["detail"]
    assert not Activity.objects.exists()


@pytest.mark.parametrize("member", [b"channel", b"contact", b"activities", b"ignored"])
def test_nesting_of_10000_levels_beside_the_activities_is_refused(member):
    app = App()
    body = app.raw_message(CLICK)
    bomb = b'{"%s":%s,' % (member, b"[" * 10_000 + b"]" * 10_000)

    response = app.post("/activities", bomb + body[1:])

    assert_problem(response, 400, "malformed_json")


def test_nesting_of_any_depth_is_stored_or_refused():
    app = App()
    guid = app.create_contact()

    depths = [*range(40, 60), *range(780, 1020), 20_000, 100_000]
    responses = [app.log_raw(nested(depth), contact=guid) for depth in depths]

    # From some depth on the activity is refused, and from a greater one the whole request.
    answers = [
        response.json()["results"][0]["status"]
        if response.status_code == 207
        else response.status_code
        for response in responses
    ]
    assert {response.status_code for response in responses} == {207, 400}
    assert set(answers) == {202, 400}
    assert answers == sorted(answers)
    assert Activity.objects.count() == answers.count(202)
    assert RejectedActivity.objects.count() == answers.count(400)


@pytest.mark.parametrize("value", ["x" * 250, "🚀" * 250, "é" * 250])
def test_value_of_250_characters_is_stored(value):
    app = App()

    results = app.log({"type": "click", "value": value})

    assert results == [{"status": 202}]
    assert Activity.objects.get().value == value


def test_every_third_of_10000_activities_is_refused_and_the_rest_stored():
    app = App()
    guid = app.create_contact()
    activities = [
        b'{"type" : "click", "value":"%d"}' % number
        if number % 3
        else b'{ "type":"click","mark":"wrong%d" }' % number
        for number in range(10_000)
    ]

    response = app.log_raw(*activities, contact=guid)

    refused = list(range(0, 10_000, 3))
    results = response.json()["results"]
    assert len(results) == 10_000
    assert [n for n, result in enumerate(results) if result["status"] == 400] == refused
    assert sum(result == {"status": 202} for result in results) == 10_000 - len(refused)
    stored = Activity.objects.order_by("pk").values_list("value", flat=True)
    assert list(stored) == [str(number) for number in range(10_000) if number % 3]
    kept = RejectedActivity.objects.order_by("pk").values_list("payload", flat=True)
    assert [bytes(payload) for payload in kept] == [activities[number] for number in refused]
    assert RejectedActivity.objects.filter(request_id=response["Request-Id"]).count() == 3334
    assert RejectedActivity.objects.filter(contact_guid=guid).count() == 3334
    assert not containing("wrong4243").exists()
    assert [bytes(one.payload) for one in containing("wrong4242")] == [activities[4242]]
    assert set(RejectedActivity.objects.values_list("code", flat=True)) == {"missing_value"}


def test_10000_activities_of_10000_unknown_types_are_refused():
    app = App()

    response = app.log_raw(*(b'{"type":"type%d"}' % number for number in range(10_000)))

    assert {result["status"] for result in response.json()["results"]} == {400}
    assert RejectedActivity.objects.filter(code="unknown_type").count() == 10_000


def test_payload_is_kept_exactly_as_it_was_sent():
    app = App()
    sent = b'{ "TYPE":"nonsense" ,\t"value" :"gr\xc3\xbc\\u00df 1.50e+2", "value":"\\u0000"}'

    app.log_raw(b"  " + sent + b"\n")

    rejection = RejectedActivity.objects.get()
    assert bytes(rejection.payload) == sent
    assert rejection.payload_length == len(sent)


def test_payload_of_an_activity_is_kept_up_to_32_kilobytes():
    app = App()
    sent = b'{"type":"nonsense","value":"%s"}' % (b"x" * 40_000)

    app.log_raw(sent)

    rejection = RejectedActivity.objects.get()
    assert bytes(rejection.payload) == sent[:32768]
    assert rejection.payload_length == len(sent)


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        (rb'{"type":"nonsense","value":"gr\u00fc\u00dfe"}', "grüße"),
        ('{"type":"nonsense","value":"grüße"}'.encode(), "grüße"),
        (rb'{"type":"nonsense","value":"one\ntwo"}', "one"),
        (rb'{"type":"nonsense","value":"one\u0000two"}', "two"),
        (b'{"type":"nonsense","value":"\xff hello \xfe"}', "hello"),
        (b'{"type":"nonsense","contactFields":{"ContactEmail":"ann@x.example"}}', "ann@x.example"),
    ],
)
def test_rejection_is_found_by_a_word_of_its_payload(sent, word):
    app = App()
    app.log_raw(b'{"type":"something else"}')

    app.log_raw(sent)

    assert [bytes(rejection.payload) for rejection in containing(word)] == [sent]


def test_rejection_is_kept_under_the_guid_that_was_sent():
    app = App()
    survivor = make_contact()
    loser = make_contact(merged_into=survivor)

    app.log({"type": "nonsense"}, contact=str(loser.guid).upper())

    assert RejectedActivity.objects.get().contact_guid == str(loser.guid)


def test_reason_shows_what_was_sent_without_control_characters():
    app = App()

    (result,) = app.log({"type": "a\u202eb\x1b[31m\n"})

    assert result["error"]["detail"] == "There is no activity type “a\ufffdb\ufffd[31m\ufffd”."


def test_refused_activities_do_not_claim_their_ids_from_others():
    app = App()
    activity_id = str(uuid4())

    results = app.log(
        {"type": "nonsense", "id": activity_id}, {"type": "click", "value": "x", "id": activity_id}
    )

    assert [result["status"] for result in results] == [400, 202]
    assert Activity.objects.get().client_id == UUID(activity_id)


def test_rejections_beyond_the_kept_number_are_summed_up(settings):
    settings.REJECTED_KEPT_PER_REQUEST = 10
    app = App()

    results = app.log(*[{"type": "a"}] * 25)

    kept = RejectedActivity.objects.order_by("pk")
    assert [result["status"] for result in results] == [400] * 25
    assert [row.code for row in kept] == ["unknown_type"] * 10 + ["more_rejections"]
    assert kept.last().reason.startswith("15 more activities")


def test_array_of_what_cannot_be_activities_is_refused_whole():
    app = App()

    response = app.log_raw(*[b"0"] * 100_000)

    assert_problem(response, 400, "wrong_type", field="activities")
    assert RejectedActivity.objects.count() == 1


def test_many_activities_may_be_small():
    app = App()

    results = app.log(*[{"type": "a"}] * 12_000)

    assert len(results) == 12_000
    assert RejectedActivity.objects.count() == 12_000


def test_fault_of_the_hub_is_in_the_inspector_too():
    app, contact = App(), make_contact()
    # What a migration that went wrong would leave behind.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE activities_activity RENAME TO activities_lost")

    response = app.log_raw(CLICK, contact=contact.guid)

    assert response.status_code == 500
    row = RejectedActivity.objects.get()
    assert (row.status, row.code, row.channel) == (Status.FAILED, "failed", app.channel)
    assert str(row.request_id) == response["Request-Id"]
    assert bytes(row.payload).decode().count("Buy") == 1
