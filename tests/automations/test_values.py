"""What places in texts stand for, and what becomes of texts that ask for too much."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from automations.emails.values import (
    CannotRender,
    EventValue,
    Missing,
    Values,
    event_data,
    event_names_in,
    fill,
    values_of,
)
from tests.factories import make_activity, make_activity_type, make_contact

FILE = "file download request"
URL = "https://www.example.com/downloads/file.pdf?a=1&b=2"
ANN = Values(
    {
        "birthday": "1990-05-17",
        "state": "",
        "first_name": "Ann",
        "last_name": "",
        "city": "  ",
        "zip": "7",
        "notes": "<b>\nBcc: x",
    },
    {FILE: URL, "bad": "javascript:alert(1)", "quoted": 'https://x.example/"><script>'},
)


# Values


@pytest.mark.django_db
def test_the_latest_event_of_each_contact_counts(django_assert_num_queries):
    files, other = make_activity_type(FILE, door="activecampaign"), make_activity_type("other")
    ann, bob, cora = make_contact(first_name="Ann"), make_contact(), make_contact()
    now = timezone.now()
    make_activity(ann, type=files, value="old", occurred_at=now - timedelta(days=2))
    make_activity(ann, type=files, value="new", occurred_at=now - timedelta(days=1))
    make_activity(ann, type=other, value="other")
    make_activity(bob, type=files, value="cut", properties={"eventdata": "the whole of it"})

    with django_assert_num_queries(2):
        found = values_of([ann, bob, cora], ["File Download Request"], {})

    assert fill(f"%EVENT: {FILE}%", found[ann.pk]) == "new"
    assert fill(f"%EVENT:{FILE}%", found[bob.pk]) == "the whole of it"
    assert fill("{{ contact.first_name }}", found[ann.pk]) == "Ann"
    with pytest.raises(Missing):
        fill(f"%EVENT: {FILE}%", found[cora.pk])


@pytest.mark.django_db
def test_values_without_events_cost_no_query(django_assert_num_queries):
    contacts = [make_contact(), make_contact()]

    with django_assert_num_queries(0):
        assert set(values_of(contacts, [], {})) == {contact.pk for contact in contacts}


@pytest.mark.django_db
def test_the_event_of_the_run_counts_and_no_later_one():
    contact = make_contact()
    make_activity(contact, type=make_activity_type(FILE, door="activecampaign"), value="later")

    found = values_of([contact], [FILE], {contact.pk: EventValue(FILE.upper(), "its own")})

    assert fill(f"%EVENT: {FILE}%", found[contact.pk]) == "its own"
    without = found[contact.pk].of_run(EventValue(FILE, ""))
    with pytest.raises(Missing):
        fill(f"%EVENT: {FILE}%", without)
    assert without.of_run(EventValue("", "")) is without


def test_the_whole_data_of_an_event_comes_before_its_value():
    assert event_data("cut", {"eventdata": "whole"}) == "whole"
    assert event_data("value", {"eventdata": 7}) == "value"
    assert event_data("value", None) == "value"


# Places


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%EVENT: file download request%", URL),
        ("%event:FILE DOWNLOAD  request%", URL),
        ("% Event : file download request %", URL),
        ('{{ event["File download request"] }}', URL),
        ("{{ %EVENT: file download request% | default: 'none' }}", URL),
        ("{{ %EVENT: unknown% | default: 'none' }}", "none"),
        ("100 % event or 5%", "100 % event or 5%"),
        ("{{ contact.first_name }}", "Ann"),
        ("{{ contact.last_name | default: 'there' }}", "there"),
        ("{{ contact.last_name | upcase | default: 'there' }}", "there"),
        ("{{ contact.city | default: 'somewhere' }}", "somewhere"),
        ("{% if contact.last_name %}a{% else %}b{% endif %}", "b"),
        ("{% if contact.last_name == '' %}a{% else %}b{% endif %}", "a"),
        ("{% if contact.last_name != blank %}a{% else %}b{% endif %}", "b"),
        ("{% unless contact.last_name %}a{% endunless %}", "a"),
        ("{% case contact.zip %}{% when '7' %}seven{% else %}no{% endcase %}", "seven"),
        ("{% assign x = contact.first_name | append: '!' %}{{ x }}", "Ann!"),
        ("{% for i in (1..3) %}{{ i }}{% endfor %}", "123"),
        ("{{ 'a b' | split: ' ' | last }}", "b"),
        ("{{ 7 | plus: 1 }}{{ true }}", "8true"),
        ("{{ contact.birthday | date: '%d.%m.%Y' }}", "17.05.1990"),
        ("{{ contact.state | upcase | default: 'none' }}", "none"),
        ("", ""),
    ],
)
def test_places_stand_for_values(text, expected):
    assert fill(text, ANN) == expected


@pytest.mark.parametrize("name", ["Ärger über Öl", "подарок", "资料下载"])
def test_names_of_events_have_letters_of_any_language(name):
    values = Values().of_run(EventValue(name, "x"))

    assert fill(f"%EVENT:{name.upper()}%", values) == "x"
    assert event_names_in(f"a %EVENT: {name}%") == {name}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("%EVENT: brochure%", "The event “brochure” has no data for this contact."),
        ("{{ contact.last_name }}", "The contact has no last name."),
        ("{{ contact.last_name | upcase }}", "The contact has no last name."),
        ("{{ 'a' | append: contact.city }}", "The contact has no city."),
        ("{% assign x = contact.city %}{{ x }}", "The contact has no city."),
        ("{{ confirm.Newsletter }}", "Only emails have links to confirm a consent."),
    ],
)
def test_what_is_missing_is_named(text, reason):
    with pytest.raises(Missing) as caught:
        fill(text, ANN)

    assert caught.value.reason == reason == str(caught.value)


# Escaping, by place


@pytest.mark.parametrize(
    ("text", "escape", "expected"),
    [
        ("{{ contact.notes }}", "none", "<b>\nBcc: x"),
        ("<p>{{ contact.notes }}</p>", "html", "<p>&lt;b&gt;\nBcc: x</p>"),
        ("%EVENT: quoted%", "html", "https://x.example/&quot;&gt;&lt;script&gt;"),
        ("{{ contact.notes | append: '<i>' }}", "html", "&lt;b&gt;\nBcc: x&lt;i&gt;"),
        ("{% capture x %}<i>{{ contact.notes }}{% endcapture %}{{ x }}", "html", None),
        ("%EVENT: file download request%", "url", URL),
        ("  https://x.example/%EVENT: quoted% ", "url", None),
        ("https://x.example/?n={{ contact.notes }}&z={{ contact.zip }}", "url", None),
        ("%EVENT: quoted%", "url", "https://x.example/%22%3E%3Cscript%3E"),
        ("mailto:{{ contact.first_name }}@example.com", "url", "mailto:Ann@example.com"),
    ],
)
def test_values_are_escaped_for_their_place(text, escape, expected):
    found = fill(text, ANN, escape)

    if expected is not None:
        assert found == expected
    else:
        assert "<b>" not in found
        assert '"' not in found
        assert " " not in found or escape == "html"


def test_a_value_within_a_url_is_a_part_of_it():
    url = fill("https://x.example/?n={{ contact.notes }}&u=%EVENT: quoted%", ANN, "url")

    assert url == (
        "https://x.example/?n=%3Cb%3E%0ABcc%3A%20x&u=https%3A%2F%2Fx.example%2F%22%3E%3Cscript%3E"
    )


@pytest.mark.parametrize(
    "data",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "//evil.example/",
        "/path",
        "https:",
        "https:///x",
        "http:\\\\evil.example",
        "file:///etc/passwd",
        "www.example.com",
        "nothing like it",
    ],
)
def test_a_link_leads_to_the_web_or_a_mailbox_or_nowhere(data):
    with pytest.raises(CannotRender, match="is no address that an email can have"):
        fill("%EVENT: x%", Values(events={"x": data}), "url")


@pytest.mark.parametrize(
    "data", ["http://[abc", "https://user:word@evil.example/", "https://bank.example@evil.example/"]
)
def test_a_link_has_a_domain_and_no_user(data):
    with pytest.raises(CannotRender, match="a domain has to follow"):
        fill("%EVENT: x%", Values(events={"x": data}), "url")


def test_characters_that_turn_a_link_round_are_quoted():
    values = Values(events={"x": "https://x.example/\u202efdp.exe\u200b"})

    assert fill("%EVENT: x%", values, "url") == "https://x.example/%E2%80%AEfdp.exe%E2%80%8B"


def test_what_is_wrong_with_a_link_is_told_without_the_contacts_data():
    with pytest.raises(CannotRender) as refused:
        fill("%EVENT: x%", Values(events={"x": "ada@example.com"}), "url")

    assert "ada" not in str(refused.value)
    assert "event" in str(refused.value)


# Limits

ENDLESS = {
    "a large loop": "{% for i in (1..10000000) %}x{% endfor %}",
    "loops in loops": "{% for i in (1..5000) %}{% for j in (1..5000) %}{% endfor %}{% endfor %}",
    "many loops": "{% for i in (1..10000) %}{% endfor %}" * 500,
    "many empty conditions": (
        "{% for i in (1..10000) %}" + "{% if 1 %}{% endif %}" * 500 + "{% endfor %}"
    ),
    "much text": "{% for i in (1..9999) %}" + "x" * 500 + "{% endfor %}",
    "much captured": "{% capture x %}{% for i in (1..9999) %}"
    + "x" * 99
    + "{% endfor %}{% endcapture %}",
    "doubling": "{% assign x = 'xxxxxxxx' %}" + "{% assign x = x | append: x %}" * 50 + "{{ x }}",
    "replacing": (
        "{% assign x = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}"
        + "{% assign x = x | replace: 'a', x %}" * 6
        + "{{ x }}"
    ),
    "a list of everything": "{{ (1..100000000) | join: ',' }}",
    "large numbers": "{% assign x = 9 %}" + "{% assign x = x | times: x %}" * 40 + "{{ x }}",
    "a wide date": "{{ 'now' | date: '%999999999d' }}",
    "a wide date with a flag": "{{ 'now' | date: '%-0999999999d' }}",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_render_ends_in_time_whatever_the_text_asks_for(name):
    # A text is read once, which takes as long as it is long.
    event_names_in(ENDLESS[name])
    began = time.thread_time()

    with pytest.raises(CannotRender):
        fill(ENDLESS[name], ANN)

    assert time.thread_time() - began < 0.2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{% frobnicate %}", "“{% frobnicate %}” is no tag that texts can use"),
        ("{% include 'x' %}", "is no tag that texts can use"),
        ("{% link %}x{% endlink %}", "is no tag that texts can use"),
        ("{% raw %}{{ x }}{% endraw %}", "is no tag that texts can use"),
        ("a\nb {{ contact.frist_name }}", "Line 2: There is no value “contact.frist_name”"),
        ("{{ contact }}", "There is no value “contact”"),
        ("{{ contact.first_name.size }}", "There is no value “contact.first_name.size”"),
        ("{{ contact[contact.notes] }}", "There is no value"),
        ("{{ password }}", "There is no value “password”"),
        ("{{ contact.__class__ }}", "There is no value"),
        ("{{ contact.first_name | nope }}", "There is no filter “nope”"),
        ("{{ contact.first_name", "“{{ contact.first_nam” has no “}}” behind it."),
        ("{% if contact.zip %}x", "Expected tag endif"),
        ("{{ contact.zip contact.city }}", "Expected end of expression"),
        ("%EVENT: %", "needs the name of an event"),
        ("{{" * 20_000, "has no “}}” behind it."),
        ("{% if x" * 5_000, "has no “%}” behind it."),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text, said):
    with pytest.raises(CannotRender) as caught:
        event_names_in(text)

    assert said in caught.value.reason


@pytest.mark.parametrize(
    "text",
    [
        "{{ '99999999999999' | date: '%Y' }}",
        "{{ 1 | divided_by: 0 }}",
        "{{ 'a' | truncate: 'b' }}",
        "{% if 'a' > 1 %}x{% endif %}",
    ],
)
def test_a_filter_that_fails_holds_the_text_back(text):
    with pytest.raises(CannotRender):
        fill(text, ANN)
