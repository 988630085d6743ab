"""The list of contacts, asked what they did, where they came from and what they agreed to."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from activities.models import ActivityType, ContactSeen
from adminsite import looking
from adminsite.formatting import changelist_url
from consents.agreements import record_agreement
from consents.texts import save_text
from contacts.models import Contact
from crosssite.models import TrackedSite
from groups.asking import OfContacts
from tests.factories import make_activity, make_activity_type, make_channel, make_consent
from tests.factories import make_contact as make
from tests.plans import plan_of

pytestmark = pytest.mark.django_db

URL = changelist_url(Contact)
NOW = timezone.now()
SEES_ALL = ("view_contact", "view_activity", "view_consentagreement")


@pytest.fixture
def ada():
    return make(first_name="Ada", country="AUT")


@pytest.fixture
def ben():
    return make(first_name="Ben")


def ask(client, **query):
    """The contacts that the list finds, by first name, and what it says that it is filtered by."""
    listed = client.get(URL, query).context["cl"]
    return [one.first_name for one in listed.result_list], [one.text for one in listed.said]


def seen(contact, first, last):
    ContactSeen.objects.create(
        contact=contact,
        first_seen=NOW - timedelta(days=first),
        last_seen=NOW - timedelta(days=last),
    )


@pytest.mark.parametrize("way", ["in order", "everywhere"])
def test_who_was_on_a_page_of_late(admin_client, ada, ben, way, monkeypatch):
    if way == "everywhere":
        monkeypatch.setattr(looking, "IN_ORDER_SECONDS", 0)
    make_activity(ada, url="https://example.com/LOANS/calculator")
    make_activity(ben, url="https://example.com/loans", occurred_at=NOW - timedelta(days=8))
    make_activity(ben, url="https://example.com/")

    assert ask(admin_client, url="/loans", within="7") == (
        ["Ada"],
        ["was on a page whose URL contains “/loans”", "in the last 7 days"],
    )


def test_all_that_is_given_holds_for_one_activity(admin_client, ada, ben):
    calculator = make_activity_type()
    shop = make_channel(code_name="shop", name="Shop", kind="website", domain="shop.example.com")
    site = TrackedSite.objects.create(
        name="Blog", code_name="blog", url="https://blog.example.com", channel=shop
    )
    make_activity(ada, type=calculator, channel=shop, tracked_site=site)
    make_activity(ben, type=calculator)
    make_activity(ben, channel=shop, tracked_site=site)

    assert ask(admin_client, did=calculator.code_name, channel="shop", site="BLOG") == (
        ["Ada"],
        [
            f"did “{calculator.name}”",
            "on the channel “Shop”",
            "on the site “BLOG”",
        ],
    )


@pytest.mark.parametrize(
    "came",
    [
        {"referrer": "https://www.google.com/search"},
        {"url": "https://example.com/?utm_medium=cpc&utm_source=Google"},
    ],
)
def test_where_they_came_from(admin_client, ada, ben, came):
    make_activity(ada, **came)
    make_activity(ben, url="https://example.com/google")

    assert ask(admin_client, source="google") == (["Ada"], ["came from “google”"])


def test_answers_to_a_consent_and_its_versions(admin_client, ada, ben):
    consent = make_consent("newsletter", name="Newsletter")
    cleo, dan = make(first_name="Cleo"), make(first_name="Dan")
    record_agreement(ada, consent, agreed=True)
    record_agreement(cleo, consent, agreed=True)
    record_agreement(cleo, consent, agreed=False)
    save_text(consent, language="en", short_text="<p>Another text</p>")
    record_agreement(dan, consent, agreed=True)

    def names(answer):
        return set(ask(admin_client, consent="newsletter", answer=answer)[0])

    assert names("") == names("yes") == {"Ada", "Dan"}
    assert names("current") == names("v2-en") == {"Dan"}
    assert names("earlier") == names("v1-EN") == {"Ada"}
    assert names("no") == {"Cleo"}
    assert names("none") == {"Ben"}
    assert ask(admin_client, consent="newsletter", answer="v1-en")[1] == [
        "agrees to version 1 (en) of “Newsletter”"
    ]


@pytest.mark.parametrize(
    ("asked", "found", "said"),
    [
        ("within-7", {"Ada", "Ben"}, "was active in the last 7 days"),
        ("back-7", {"Ada"}, "came back in the last 7 days"),
        ("not-30", {"Cleo", "Dan"}, "not active in the last 30 days"),
        ("never", {"Dan"}, "was never active"),
        ("within-1", set(), "was active in the last 24 hours"),
    ],
)
def test_when_they_were_last_active(admin_client, ada, ben, asked, found, said):
    seen(ada, 20, 2)
    seen(ben, 3, 2)
    seen(make(first_name="Cleo"), 60, 40)
    make(first_name="Dan")

    names, words = ask(admin_client, seen=asked)

    assert (set(names), words) == (found, [said])


def test_each_filter_has_a_name_of_its_own(admin_client):
    titles = [spec.title.lower() for spec in admin_client.get(URL).context["cl"].filter_specs]

    assert sorted(titles) == sorted(set(titles))


@pytest.mark.parametrize("asked", ["within-30", "back-7"])
def test_who_was_active_of_late_is_sorted_by_that_unless_the_user_sorts(
    admin_client, ada, ben, asked
):
    seen(ada, 20, 1)
    seen(ben, 21, 2)
    seen(make(first_name="Cleo"), 22, 3)
    Contact.objects.filter(pk=ada.pk).update(created_at=NOW - timedelta(days=30))

    assert ask(admin_client, seen=asked)[0] == ["Ada", "Ben", "Cleo"]
    assert "are left out" not in admin_client.get(URL, {"seen": asked}).text
    cl = admin_client.get(URL, {"seen": asked}).context["cl"]
    place = [getattr(one, "name", "") for one in cl.list_display].index("created_at")
    assert ask(admin_client, seen=asked, o=f"{place}")[0][0] == "Ada"
    assert ask(admin_client, seen=asked, o=f"-{place}")[0][-1] == "Ada"


def test_the_list_is_sorted_by_last_activity(admin_client, ada, ben):
    seen(ada, 20, 2)
    seen(ben, 3, 1)
    make(first_name="Cleo")
    cl = admin_client.get(URL).context["cl"]
    place = next(
        number
        for number, column in enumerate(cl.list_display)
        if getattr(column, "short_description", "") == "Last activity"
    )

    page = admin_client.get(URL, {"o": f"-{place}"})

    assert [one.first_name for one in page.context["cl"].result_list] == ["Ben", "Ada"]
    assert "contacts who were never active are left out" in page.text
    assert ask(admin_client, o=str(place))[0] == ["Ada", "Ben"]


def test_the_order_of_last_activities_is_that_of_an_index(admin_client, ada, ben):
    seen(ada, 20, 2)
    seen(ben, 3, 1)
    cl = admin_client.get(URL).context["cl"]
    titles = [getattr(one, "short_description", "") for one in cl.list_display]
    sorted_list = admin_client.get(URL, {"o": f"-{titles.index('Last activity')}"})

    plan = plan_of(
        sorted_list.context["cl"].queryset[:51],
        without=("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"),
    )

    assert "contacts_last_seen_first" in plan
    # Those of one instant alone are sorted, by when they were created.
    assert plan.count("Sort  (") == plan.count("Incremental Sort  (")


def test_filters_narrow_one_another_and_are_removed_one_by_one(admin_client, ada, ben):
    make_activity(ada, url="https://example.com/loans")
    make_activity(ben, url="https://example.com/loans")
    query = {"url": "loans", "country": "AUT", "created": "7", "q": "Ada"}

    listed = admin_client.get(URL, query).context["cl"]

    assert [one.first_name for one in listed.result_list] == ["Ada"]
    without = {one.text: one.without for one in listed.said}
    assert without["from Austria"] == "?created=7&q=Ada&url=loans"
    assert without["search “Ada”"] == "?country=AUT&created=7&url=loans"
    assert [one.text for one in listed.said] == [
        "from Austria",
        "created in the last 7 days",
        "was on a page whose URL contains “loans”",
        "search “Ada”",
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"within": "-1"},
        {"within": "9" * 30},
        {"within": "seven"},
        {"seen": "within-0"},
        {"seen": "back-99999999"},
        {"created": "1' OR 1=1"},
        {"answer": "yes"},
        {"url": "   "},
    ],
)
def test_what_says_nothing_filters_nothing(admin_client, ada, query):
    assert ask(admin_client, **query) == (["Ada"], [])


@pytest.mark.parametrize(
    "query",
    [
        {"url": "%"},
        {"url": "'); DROP TABLE contacts_contact; --"},
        {"url": "x" * 5_000},
        {"url": "مرحبا"},
        {"source": "_"},
        {"did": "no such type"},
        {"channel": "gone"},
        {"site": "gone"},
        {"consent": "gone"},
        {"consent": "gone", "answer": "v999999999-en"},
        {"did": "<script>alert(1)</script>"},
    ],
)
def test_nothing_that_is_given_is_a_pattern_or_ends_in_an_error(admin_client, ada, query):
    make_activity(ada)

    page = admin_client.get(URL, query)

    assert page.status_code == 200
    assert list(page.context["cl"].result_list) == []
    assert "<script>alert" not in page.text


def test_a_text_with_nul_is_refused(admin_client):
    assert admin_client.get(URL, {"url": "a\0b"}).headers["Location"].endswith("?e=1")


def test_merged_contacts_are_not_found(admin_client, ada, ben):
    make_activity(ben, url="https://example.com/loans")
    Contact.objects.filter(pk=ben.pk).update(merged_into=ada)

    assert ask(admin_client, url="loans")[0] == []


@pytest.mark.parametrize(
    ("missing", "query"),
    [
        ("view_activity", "url=loans"),
        ("view_activity", "seen=back-7"),
        ("view_consentagreement", "consent=newsletter"),
    ],
)
def test_who_may_not_see_what_they_did_may_not_ask(log_in, ada, missing, query):
    client = log_in(*(name for name in SEES_ALL if name != missing))

    response = client.get(f"{URL}?{query}")

    assert response.status_code == 302
    assert response.headers["Location"].endswith("?e=1")


def endless_rows(self, rows):
    return rows.extra(where=["pg_sleep(60) IS NOT NULL"])


def test_a_list_that_takes_too_long_shows_what_it_found_and_says_so(
    admin_client, ada, ben, monkeypatch
):
    make_activity(ada, url="https://example.com/loans")
    monkeypatch.setattr(looking, "_FIRST_PORTION", 1)
    monkeypatch.setattr(looking, "EVERYWHERE_SECONDS", 0.05)
    looked = OfContacts.among

    def slowly(self, ids):
        if ben.pk not in ids:  # the second portion: the newest come first
            monkeypatch.setattr(looking.time, "monotonic", lambda: float("inf"))
        return looked(self, ids)

    monkeypatch.setattr(OfContacts, "among", slowly)
    monkeypatch.setattr(OfContacts, "all_of", endless_rows)

    page = admin_client.get(URL, {"url": "loans"})

    assert [one.first_name for one in page.context["cl"].result_list] == ["Ada"]
    assert "these were found among the first 2" in page.text
    assert "1 contact found so far" in page.text


def test_a_statement_that_never_ends_is_ended(admin_client, ada, monkeypatch):
    def endless(self, ids):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    monkeypatch.setattr(looking, "IN_ORDER_SECONDS", 0.05)
    monkeypatch.setattr(looking, "EVERYWHERE_SECONDS", 0.05)
    monkeypatch.setattr(OfContacts, "among", endless)
    monkeypatch.setattr(OfContacts, "all_of", endless_rows)

    page = admin_client.get(URL, {"url": "loans"})

    assert page.status_code == 200
    assert "There is too much to look at" in page.text


@pytest.mark.parametrize("rows", [1, 3])
def test_filters_cost_the_same_for_any_number_of_rows(
    admin_client, rows, django_assert_num_queries
):
    consent = make_consent("newsletter")
    for _ in range(rows):
        contact = make()
        make_activity(contact, url="https://example.com/loans")
        record_agreement(contact, consent, agreed=True)
    query = {"url": "loans", "within": "7", "consent": "newsletter", "seen": "not-30"}
    admin_client.get(URL, query)

    with django_assert_num_queries(36):
        admin_client.get(URL, query)


def test_types_that_are_switched_off_can_be_asked_for(admin_client, ada):
    make_activity(ada)
    ActivityType.objects.update(enabled=False)

    assert ask(admin_client, did="pagevisit")[0] == ["Ada"]
