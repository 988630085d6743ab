"""What workers do for automations."""

from datetime import timedelta

from django.db.models import Q

from automations import broadcasting, pausing
from automations.emails import waking
from automations.emails.bounce_mailbox import fetch_bounces
from automations.emails.outbox import forget_old_messages
from automations.emails.sending import send_emails, send_transactional_emails
from automations.models import Broadcast, Email, Run, StateChange
from automations.running import move_on
from jobs.declaring import Job, declare, declare_periodic, declare_pulse

_WAITING = Q(status__in=[Email.Status.PREPARED, Email.Status.HANDING_OVER])

RUNS = declare(
    Job(
        name="runs",
        model=Run,
        waiting=Q(status=Run.Status.RUNNING),
        do=move_on,
        queue="runs",
        # Each step costs a few statements, however many runs there are.
        batch=2_000,
    )
)
STATES = declare(
    Job(
        name=pausing.JOB,
        model=StateChange,
        waiting=Q(),
        do=pausing.follow,
        shown_by="automation",
        queue="runs",
        # Each may be of very many runs.
        batch=1,
    )
)
BROADCASTS = declare(
    Job(
        name=broadcasting.JOB,
        model=Broadcast,
        waiting=Q(status=Broadcast.Status.WAITING),
        do=broadcasting.go_on,
        shown_by="automation",
        queue="runs",
        # A part is one transaction, and the next broadcast need not wait for all parts of this one.
        batch=1,
    )
)
EMAILS = declare(
    Job(
        name=waking.EMAILS,
        model=Email,
        waiting=_WAITING & Q(is_transactional=False),
        do=send_emails,
        queue="emails",
    )
)
# They wait for no broadcast.
TRANSACTIONAL_EMAILS = declare(
    Job(
        name=waking.TRANSACTIONAL_EMAILS,
        model=Email,
        waiting=_WAITING & Q(is_transactional=True),
        do=send_transactional_emails,
        queue="emails",
    )
)

declare_pulse("automations.dates", every=15.0, queue="runs")
declare_periodic("forget old messages of the outbox", forget_old_messages, every=timedelta(hours=1))
declare_periodic("fetch bounces", fetch_bounces, every=timedelta(minutes=5))
