"""A door as somebody would add it: a doorbell that reports who rang."""

from tests.doors.bell.ring import ACCESS, Ring
from web.doors import AccessType, Card, Door, Secret, Switch


def rotate_key(channel):
    channel.event_key = "a-new-bell-key"
    channel.save(update_fields=["event_key"])


def switch_bell(channel, *, on):
    channel.accepts_new_event_names = on
    channel.save(update_fields=["accepts_new_event_names"])


DOOR = Door(
    name="bell",
    title="Doorbell",
    other_titles={"bell-api": "Doorbell API"},
    urls=["tests.doors.bell.urls"],
    paths=["/bell"],
    spell=str.lower,
    exchanges={("POST", "/bell/ring"): Ring},
    open_paths=["/bell"],
    cookie_paths=["/bell/ring"],
    access_types=[
        AccessType(
            value=ACCESS,
            label="Doorbell keys",
            place="/bell/{channel.code_name}",
            example=lambda hub, key, channel: (
                f"curl {hub}/bell -H 'Bell: {key}' # {channel.code_name}"
            ),
            example_note="It rings.",
        )
    ],
    name_type=str.title,
    card=Card(
        addresses=[("/bell/ring", "who rang")],
        identifier="code_name",
        identifier_name="name of the bell",
        secret=Secret(
            slug="bell-key",
            name="bell key",
            field="event_key",
            parameter="bell",
            rotate=rotate_key,
            stops="The bell.",
            stays="The door.",
        ),
        switch=Switch(
            slug="bell",
            name="Bell",
            field="accepts_new_event_names",
            turn=switch_bell,
            when_on="It rings.",
            when_off="It is silent.",
        ),
        example=lambda hub, name, key, email: f"ring {hub} {name} {key} {email}",
        example_note="Somebody has to be at home.",
    ),
)
