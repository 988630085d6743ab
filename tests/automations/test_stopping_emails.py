"""Emails that are prepared when their run, their automation or their broadcast is stopped."""

import pytest
from django.utils import timezone

from automations.broadcasting import stop_broadcast
from automations.control import archive, pause, resume, stop_run
from automations.models import Broadcast
from tests.automations.drawing import make_automation, make_run
from tests.automations.emails import make_email, send, send_again_later, state_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (lambda run: stop_run(run, "A user stopped it."), "The run was stopped."),
        (lambda run: archive(run.automation), "The automation was archived."),
    ],
)
def test_what_a_stopped_run_has_prepared_is_held_back(mailbox, stop, reason):
    run = make_run(make_automation())
    email = make_email(run=run)

    stop(run)
    send()

    assert mailbox.received == []
    assert (state_of(email).status, state_of(email).reason) == ("held", reason)


def test_what_a_paused_automation_has_prepared_waits(mailbox):
    automation = make_automation()
    email = make_email(run=make_run(automation, status="done", finished_at=timezone.now()))

    pause(automation)
    send_again_later()
    assert (mailbox.received, state_of(email).status) == ([], "prepared")

    resume(automation)
    send_again_later()
    assert state_of(email).status == "sent"


def test_a_stopped_broadcast_holds_back_what_it_has_prepared_if_a_user_says_so(mailbox):
    automation = make_automation()
    broadcast = Broadcast.objects.create(automation=automation, rule={}, audience="All")
    inside = make_run(automation, broadcast=broadcast)
    over = make_run(automation, broadcast=broadcast, status="done", finished_at=timezone.now())
    emails = [make_email(run=run) for run in (inside, over)]
    other = make_email(run=make_run(automation))

    stop_broadcast(broadcast, runs=True)
    send()

    inside.refresh_from_db()
    assert (broadcast.status, inside.status) == ("stopped", "stopped")
    assert [state_of(email).reason for email in emails] == ["The broadcast was stopped."] * 2
    assert mailbox.count_by_id() == {other.message_id: 1}
