"""What the buttons on the page of a destination do."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from adminsite.counting import COUNTED, count_up_to, say_count
from adminsite.filters import read_moment
from adminsite.formatting import changelist_url
from destinations import control
from destinations.admin.phrases import held_up, said_of
from destinations.models import Delivery, Destination
from destinations.testing import send_test

# More than these take longer than a page may.
_MOST_AGAIN = 100_000

type Said = tuple[int, str]


def pause(destination: Destination) -> Said:
    """Let nothing go out for now."""
    if not control.pause(destination):
        return messages.INFO, "It was paused already."
    return messages.SUCCESS, "Paused. What would go out waits until you resume it."


def resume(destination: Destination) -> Said:
    """Let what has waited go out."""
    count = control.resume(destination)
    if not count:
        return messages.SUCCESS, "Resumed. Nothing has waited."
    if lack := held_up(destination):
        have = "1 message has" if count == 1 else f"{say_count(count, COUNTED)} messages have"
        return messages.SUCCESS, f"Resumed. {have} waited. {lack}"
    text = (
        "1 message that has waited goes"
        if count == 1
        else f"{say_count(count, COUNTED)} messages that waited go"
    )
    return messages.SUCCESS, f"Resumed. {text} out now."


ACTIONS: dict[str, Callable[[Destination], Said]] = {"pause": pause, "resume": resume}


def act(destination: Destination, name: str) -> Said:
    """Do what a button says; a message and its level."""
    try:
        return ACTIONS[name](destination)
    except ValidationError as error:
        return messages.ERROR, " ".join(error.messages)


def tested(destination: Destination) -> dict[str, Any]:
    """What came of a test that is sent now, for a template."""
    try:
        return {"tested": send_test(destination)}
    except ValidationError as error:
        return {"problem": " ".join(error.messages)}


def sent_since(destination: Destination, since: datetime) -> str:
    """How many messages would be sent again, as far as they are counted."""
    return say_count(count_up_to(control.made_since(destination, since), COUNTED), COUNTED)


def asked_since(request: HttpRequest) -> tuple[datetime | None, str]:
    """The time that a user has given, and what is wrong with it."""
    given = request.POST if request.method == "POST" else request.GET
    day, at = given.get("day", ""), given.get("at", "")
    if not day:
        return None, "" if request.method == "GET" else "Choose a day."
    since = read_moment(day, at, time.min)
    if since is None:
        return None, "There is no such day and time."
    if since > timezone.now():
        return None, "This time is to come. Choose one that is over."
    return since, ""


def send_again_since(destination: Destination, since: datetime) -> Said:
    """Have everything since a time go out once more."""
    if count_up_to(control.made_since(destination, since), _MOST_AGAIN) > _MOST_AGAIN:
        command = f"python manage.py send_again {destination.code_name} --since {since.isoformat()}"
        return messages.ERROR, (
            f"These are more than {_MOST_AGAIN:,} messages, too many for a page. Choose a later "
            f"time, or run on the machine of the hub: {command}"
        )
    try:
        count = control.send_again_since(destination, since)
    except ValidationError as error:
        return messages.ERROR, " ".join(error.messages)
    if not count:
        return messages.INFO, "There is nothing to send again since then."
    return messages.SUCCESS, said_of(
        count, [destination], "out again", "each with the ID that it had"
    )


def log_url(destination: Destination, query: str = "") -> str:
    """The list of its deliveries."""
    of_this = f"destination__id__exact={destination.pk}"
    return changelist_url(Delivery, f"{of_this}&{query}" if query else of_this)
