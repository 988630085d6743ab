import json
from collections import Counter
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from activities.models import ActivityType
from activities.problems import Status
from config.dashboard import _top_types
from tests.admin.history import make_history, make_rejected
from tests.factories import make_activity, make_channel, make_contact, make_key

pytestmark = pytest.mark.django_db


def dashboard(client):
    return client.get(reverse("admin:index"))


def figures(page):
    return {figure.name: (figure.value, figure.note) for figure in page.context["figures"]}


def test_the_key_figures(admin_client):
    now = timezone.now()
    contact = make_contact(email="anna@example.com")
    make_contact(merged_into=contact)
    make_activity(contact)
    make_activity(contact, occurred_at=now - timedelta(days=2))
    make_activity(contact, occurred_at=now - timedelta(days=20))
    for status in Status:
        make_rejected(status=status)
    make_rejected(at=now - timedelta(days=2))

    assert figures(dashboard(admin_client)) == {
        "Contacts": ("1", "1 known by email"),
        "Activities in 24 hours": ("1", "2 in 7 days"),
        "Rejected in 24 hours": ("2", "See why in the inspector"),
        "Data inputs waiting": ("0", "All are applied"),
        "Merges to decide": ("0", "Nothing needs you"),
    }


def test_the_chart_has_thirty_days_by_type(admin_client):
    today = timezone.localtime().replace(hour=0, minute=0)
    make_activity(occurred_at=today)
    make_activity(occurred_at=today - timedelta(days=29))
    make_activity(
        occurred_at=today - timedelta(days=29), type=ActivityType.objects.get(code_name="click")
    )
    make_activity(occurred_at=today - timedelta(days=31))

    page = dashboard(admin_client)

    chart = json.loads(page.context["chart"])
    series = {one["label"]: one["data"] for one in chart["datasets"]}
    assert len(chart["labels"]) == 30
    assert (series["Page visit"][0], series["Page visit"][-1]) == (1, 1)
    assert series["Click"] == [1] + [0] * 29
    assert [one["name"] for one in page.context["top_types"]] == ["Page visit", "Click"]


def test_the_rejections_lead_to_the_lines_that_were_counted(admin_client):
    for status in Status:
        make_rejected(status=status)
    (figure,) = [
        one for one in dashboard(admin_client).context["figures"] if one.name.startswith("Rejected")
    ]

    page = admin_client.get(figure.url)

    assert {line.status for line in page.context["cl"].result_list} == {
        Status.INVALID_REJECTED,
        Status.FAILED,
    }


@pytest.mark.parametrize("rows", [1, 3])
def test_it_takes_a_constant_number_of_queries(admin_client, rows, django_assert_num_queries):
    for _ in range(rows):
        make_history()

    with django_assert_num_queries(12):
        dashboard(admin_client)


def test_an_empty_hub_says_what_to_do_next(admin_client):
    page = dashboard(admin_client)

    assert [step["is_done"] for step in page.context["next_steps"]] == [False, False, False]
    assert "Create a channel" in page.text


def test_the_next_steps_follow_what_is_done(admin_client):
    make_key(make_channel())

    page = dashboard(admin_client)

    assert [step["is_done"] for step in page.context["next_steps"]] == [True, True, False]


def test_large_numbers_are_written_with_separators():
    (entry,) = _top_types(Counter({"Click": 1_234_567}))

    assert entry == {"name": "Click", "count": "1,234,567", "percent": 100}
