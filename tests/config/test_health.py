"""What load balancers are told."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from config import health
from config.models import Heartbeat
from config.tasks import beat_heart


def test_live_needs_no_database(client):
    response = client.get("/health/live")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_ready_is_ok_when_every_part_works(client):
    beat_heart()

    response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "database": "ok",
        "broker": "ok",
        "migrations": "ok",
        "worker": "ok",
    }


@pytest.mark.django_db
def test_ready_tells_when_no_worker_ever_ran(client):
    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["status"] == "not ready"
    assert response.json()["worker"] == "no sign of a worker and a scheduler yet"
    assert response.json()["database"] == "ok"


@pytest.mark.django_db
def test_ready_tells_when_the_worker_has_stopped(client):
    Heartbeat.objects.create(pk=1, beaten_at=timezone.now() - timedelta(seconds=31))

    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["worker"] == "last sign of life 31 seconds ago"


@pytest.mark.django_db
def test_ready_counts_migrations_to_apply(client, monkeypatch):
    monkeypatch.setattr(health, "_seen_migrated", [])
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: [1, 2])

    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["migrations"] == "2 to apply: manage.py migrate"


@pytest.mark.django_db
def test_ready_keeps_details_of_a_failure_to_itself(client, monkeypatch, caplog):
    def refuse():
        raise OperationalError("password authentication failed for user secret")

    monkeypatch.setitem(health.CHECKS, "database", refuse)

    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["database"] == "does not answer"
    assert "secret" not in response.content.decode()
    assert "secret" in caplog.text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_only_read(client, path):
    assert client.post(path).status_code == 405


@pytest.mark.django_db
def test_health_answers_in_read_only_mode(client, settings):
    settings.READ_ONLY = True
    beat_heart()

    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 200
