"""Pages of destinations with very many deliveries count and send only so many."""

from datetime import timedelta

import pytest
from django.utils import timezone

from adminsite import deleting
from destinations.admin import actions
from destinations.models import Delivery
from tests.destinations.desk import LIST_URL, make_delivery, make_destination

pytestmark = pytest.mark.django_db


def test_too_many_for_a_page_are_sent_again_by_the_command(admin_client, monkeypatch):
    monkeypatch.setattr(actions, "_MOST_AGAIN", 2)
    destination = make_destination()
    for _ in range(3):
        make_delivery(destination, status="delivered")
    since = timezone.localtime() - timedelta(hours=1)
    given = {"day": f"{since:%Y-%m-%d}", "at": f"{since:%H:%M}"}

    said = admin_client.post(f"{LIST_URL}{destination.pk}/again/", given, follow=True).text

    assert "more than 2 messages, too many for a page" in said
    command = f"python manage.py send_again {destination.code_name} --since {since:%Y-%m-%dT%H:%M}"
    assert command in said
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_deleting_counts_deliveries_up_to_a_limit(admin_client, monkeypatch):
    monkeypatch.setattr(deleting, "COUNTED", 2)
    destination = make_destination()
    for _ in range(4):
        make_delivery(destination, status="delivered")

    assert "more than 2 deliveries" in admin_client.get(f"{LIST_URL}{destination.pk}/delete/").text
