"""How messages to other systems are told to the person whom they are about."""

from contacts.telling import Says, Telling, register_telling
from destinations.models import Delivery


def register() -> None:
    """Have this table be told."""
    register_telling(_DELIVERIES)


# What a system answered is not told: it may be about others whom the same message was about.
_DELIVERIES = Telling(
    model=Delivery,
    name="deliveries",
    title="What we passed on about you",
    sentence="Each message about you to another system that we work with: to which one, when, what "
    "it said, and whether it arrived.",
    columns=[
        Says(name="time", title="When it happened", of="occurred_at"),
        Says(name="destination", title="Recipient", of="destination__name"),
        Says(name="kind", title="About", of="kind"),
        Says(name="status", title="What became of it", of="status"),
        Says(name="reason", title="Why", of="reason"),
        Says(name="delivered", title="Delivered", of="delivered_at"),
        Says(name="fields", title="Fields of yours in it", of="contact_fields"),
        Says(name="payload", title="What it said", of="payload"),
    ],
    order=("-created_at", "-id"),
    position=80,
)
