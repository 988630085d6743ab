"""How emails, runs and steps are told to the person."""

from django.db.models import QuerySet

from automations.models import Email, EmailEvent, Passage, Run, Suppression
from contacts.telling import Origin, Person, Says, Telling, register_telling


def register() -> None:
    """Have these tables be told."""
    for telling in (_EMAILS, _EVENTS, _RUNS, _PASSAGES, _SUPPRESSIONS):
        register_telling(telling)


def _suppressions(person: Person) -> QuerySet:
    return Suppression.objects.filter(email_key__in=person.email_keys)


_EMAILS = Telling(
    model=Email,
    name="emails",
    title="Emails to you",
    sentence="Each email that was written to you: sent, waiting or held back, with its content.",
    columns=[
        Says(name="prepared", title="Written", of="prepared_at"),
        Says(name="sent", title="Sent", of="sent_at"),
        Says(name="status", title="What became of it", of="status"),
        Says(name="reason", title="Why", of="reason"),
        Says(name="template", title="Kind of email", of="template__name"),
        Says(name="consent", title="Sent because you agreed to", of="consent__name"),
        Says(name="to", title="To", of="recipient", may_name=False),
        Says(name="from", title="From", of="sender", may_name=False),
        Says(name="subject", title="Subject", of="subject"),
        Says(name="text", title="Text", of="text"),
        Says(name="html", title="HTML", of="html", on_page=False),
    ],
    order=("-prepared_at", "-id"),
    position=70,
)
_EVENTS = Telling(
    model=EmailEvent,
    name="email-events",
    title="What became of emails",
    sentence="Whether an email reached you, whether you opened it or followed a link in it.",
    columns=[
        Says(name="time", title="When", of="at"),
        Says(name="kind", title="What", of="kind"),
        Says(name="subject", title="Email", of="email__subject"),
        Says(name="detail", title="Detail", of="detail"),
        Says(name="severity", title="What it says about your address", of="severity"),
        Says(name="by_robot", title="It looks like a program", of="by_robot"),
    ],
    order=("-at", "-id"),
    origin=Origin.OBSERVED,
    position=71,
)
_RUNS = Telling(
    model=Run,
    name="runs",
    title="Automations that you went through",
    sentence="An automation is a row of steps, such as an email after some days. These are those "
    "that began for you, and why.",
    columns=[
        Says(name="entered", title="Began", of="entered_at"),
        Says(name="automation", title="Automation", of="automation__name"),
        Says(name="version", title="Version", of="version__number", on_page=False),
        Says(name="status", title="State", of="status"),
        Says(name="cause", title="Because of", of="cause"),
        Says(name="event", title="Name of the event", of="event_name"),
        Says(name="event_data", title="What came with it", of="event_data"),
        Says(name="finished", title="Ended", of="finished_at"),
        Says(name="reason", title="Why it ended", of="reason"),
        Says(name="by", title="Begun by", of="by_id", is_user=True),
    ],
    order=("-entered_at", "-id"),
    position=75,
)
_PASSAGES = Telling(
    model=Passage,
    name="steps",
    title="Steps that were done",
    sentence="Each step of these automations that was done for you.",
    columns=[
        Says(name="time", title="When", of="at"),
        Says(name="automation", title="Automation", of="automation__name"),
        Says(name="step", title="Step", of="step"),
        Says(name="outcome", title="What came of it", of="outcome"),
        Says(name="detail", title="Detail", of="detail"),
    ],
    order=("-at", "-id"),
    position=76,
    key="",
    rows=lambda person: Passage.objects.filter(run__contact__in=person.ids),
)
_SUPPRESSIONS = Telling(
    model=Suppression,
    name="suppressed-addresses",
    title="Addresses of yours that get no emails",
    sentence="Addresses that we send nothing to, because emails came back or you wanted none.",
    columns=[
        Says(name="email", title="Address", of="email_key", may_name=False),
        Says(name="reason", title="Why", of="reason"),
        Says(name="detail", title="Detail", of="detail"),
        Says(name="since", title="Since", of="at"),
    ],
    order=("-at", "-id"),
    position=78,
    key="",
    rows=_suppressions,
)
