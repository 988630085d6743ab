"""What the editor offers: templates, groups, types of activities, destinations, time zones."""

from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import admin
from django.db.models.functions import Lower
from django.urls import reverse

from activities.models import ActivityType
from adminsite.permissions import AnyUser
from automations.admin.permissions import may_add_templates
from automations.models import Template
from contacts.profile import FIELDS
from destinations.models import Destination
from groups.admin.offers import offers as offers_of_rules
from groups.models import ContactGroup

_TEMPLATE_FORM = "admin:automations_template_add"


def offers(user: AnyUser) -> dict[str, object]:
    """What steps and triggers may name: pairs of a code and what users call it."""
    of_rules = offers_of_rules()
    fields: list[tuple[str, str]] = of_rules["fields"]  # type: ignore[assignment]
    own = ActivityType.objects.filter(is_system=False).order_by(Lower("name"))
    static = ContactGroup.objects.filter(static=True).order_by(Lower("name"))
    destinations = Destination.objects.order_by(Lower("name"))
    return of_rules | {
        "templates": templates(),
        "new_template_url": _new_template_url(user),
        "own_activities": list(own.values_list("code_name", "name")),
        "static_groups": list(static.values_list("code_name", "name")),
        "destinations": list(destinations.values_list("code_name", "name")),
        "settable_fields": [one for one in fields if one[0] in FIELDS and one[0] != "email"],
        "zones": sorted(available_timezones()),
        "zone_of_the_hub": settings.TIME_ZONE,
    }


def templates() -> list[tuple[str, str]]:
    """The code names and names of all templates."""
    return list(Template.objects.order_by(Lower("name")).values_list("code_name", "name"))


def _new_template_url(user: AnyUser) -> str:
    if not may_add_templates(user) or not admin.site.is_registered(Template):
        return ""
    return reverse(_TEMPLATE_FORM)
