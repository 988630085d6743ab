"""The first page of the admin: the cards of the apps, and the first steps with a new hub."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from activities.admin.permissions import may_see_activities
from activities.models import Activity
from adminsite.dashboard import CardContent, DashboardCard, Figure, build_cards, register_card
from adminsite.formatting import change_url, changelist_url
from adminsite.permissions import AnyUser
from automations.admin.permissions import may_add_automations
from automations.models import Automation
from channels.admin.permissions import may_see_channels
from channels.models import ApiKey, Channel
from config.health import OK, check_worker
from destinations.admin.permissions import may_add_destinations
from destinations.models import Destination
from jobs.admin import may_see_work
from jobs.models import Chore


def _workers(request: HttpRequest) -> CardContent:
    state = check_worker()
    figure = Figure(
        name="Workers",
        icon="engineering",
        value="Alive" if state == OK else "Not seen",
        note="Do what waits" if state == OK else capfirst(state),
        url=changelist_url(Chore),
        is_urgent=state != OK,
    )
    return CardContent(figures=[figure])


register_card(DashboardCard(position=79, may_see=may_see_work, build=_workers))


def dashboard(request: HttpRequest, context: dict) -> dict:
    """Add to `context` what the dashboard shows to this user, in a constant number of queries."""
    context |= {"title": "Dashboard", **build_cards(request)}
    if _needs_first_steps(request.user):
        context["next_steps"] = [*_steps_to_an_activity(), *_steps_from_there(request.user)]
    return context


def _needs_first_steps(user: AnyUser) -> bool:
    may_see = may_see_activities(user) and may_see_channels(user)
    return may_see and not Activity.objects.exists()


def _steps_to_an_activity() -> list[dict]:
    channel = Channel.objects.order_by("pk").first()
    has_key = ApiKey.objects.exists()
    key_url = change_url(channel) if channel else changelist_url(Channel)
    return [
        {
            "title": "Create a channel",
            "text": "A channel is the website, app or server that will report what people do.",
            "url": reverse("admin:channels_channel_add"),
            "link": "Create a channel",
            "is_done": channel is not None,
        },
        {
            "title": "Make an API key for it",
            "text": "Open the channel and choose “New API key”. The key is shown once.",
            "url": key_url,
            "link": "Open the channel",
            "is_done": has_key,
        },
        {
            "title": "Send the first activity",
            "text": (
                "With the key comes a line to paste into a terminal. The API documentation has "
                "the rest."
            ),
            "url": reverse("api-docs"),
            "link": "Read the API documentation",
            "is_done": False,
        },
    ]


def _steps_from_there(user: AnyUser) -> list[dict]:
    """What becomes of activities, as far as this user may say so."""
    steps = []
    if may_add_automations(user):
        steps.append(
            {
                "title": "Say what happens next",
                "text": (
                    "An automation does something when an activity comes: it sends an email, "
                    "waits, or puts the contact into a group."
                ),
                "url": reverse("admin:automations_automation_add"),
                "link": "Draw an automation",
                "is_done": Automation.objects.exists(),
            }
        )
    if may_add_destinations(user):
        steps.append(
            {
                "title": "Let other systems know",
                "text": (
                    "A destination gets what is recorded: your CRM, an analytics tool, or a "
                    "program of yours."
                ),
                "url": reverse("admin:destinations_destination_add"),
                "link": "Add a destination",
                "is_done": Destination.objects.exists(),
            }
        )
    return steps
