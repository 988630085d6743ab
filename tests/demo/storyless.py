"""The demo without the people of its story."""

from contextlib import nullcontext

from django.core.management import call_command


def load_without_story(monkeypatch):
    """Make the demo's channels, sites, consents, types and groups."""
    monkeypatch.setattr("config.demo.loading.journeys.tell", lambda now: [])
    monkeypatch.setattr("config.demo.loading._leave_a_decision", lambda contacts, user: None)
    monkeypatch.setattr("config.demo.loading._write_about", lambda contacts, user: None)
    monkeypatch.setattr("config.demo.loading._leave_requests", lambda contacts, user: None)
    monkeypatch.setattr("config.demo.loading._report_events", lambda *given: None)
    # A worker may run already.
    monkeypatch.setattr("config.demo.loading._tasks_at_once", nullcontext)
    call_command("load_demo_data", verbosity=0)
