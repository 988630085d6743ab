"""Tracked sites in configuration files."""

from collections.abc import Collection

from django.core.exceptions import ValidationError

from channels.models import Channel
from crosssite.models import TrackedSite
from crosssite.origins import check_is_no_main_site
from exchange.kinds import Kind


def _check(site: TrackedSite, changed: Collection[str], given: Collection[str]) -> None:
    if site.channel_id is None:
        return  # the column itself says what is wrong
    if site.channel.kind != Channel.Kind.WEBSITE:
        detail = f"“{site.channel.code_name}” is no website channel, to which tracked sites belong."
        raise ValidationError({"channel": detail})
    check_is_no_main_site(site.url, site.channel)


TRACKED_SITE = Kind(name="tracked_site", model=TrackedSite, check=_check)
