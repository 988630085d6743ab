"""Other websites whose visitors report to a website channel, and what is known of those."""

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from contacts.keys import ContactKey, OnErase, OnMerge
from web.hosts import read_web_address


class TrackedSite(models.Model):
    """Another website whose visitors report to a website channel."""

    name = models.CharField(
        "tracked website name", max_length=200, help_text="How the site is called in the admin."
    )
    code_name = models.SlugField(max_length=100, help_text="A short name, such as online-shop.")
    url = models.CharField(
        "tracked website URL",
        max_length=400,
        help_text=(
            "Scheme and domain, without a path, a port or a slash at the end, such as "
            "https://shop.example.com."
        ),
    )
    description = models.TextField(blank=True, help_text="For the other users of the admin.")
    channel = models.ForeignKey(
        "channels.Channel",
        models.PROTECT,
        related_name="tracked_sites",
        limit_choices_to={"kind": "website"},
        verbose_name="website channel",
        help_text="The main site that this site belongs to, and whose domain it reports to.",
    )
    enabled = models.BooleanField(
        default=True, help_text="Switch off to track nobody on this site from now on."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("code_name"),
                name="one_tracked_site_per_code_name",
                violation_error_message="Another tracked site has this code name.",
            ),
            models.UniqueConstraint(
                "channel",
                Lower("url"),
                name="one_tracked_site_per_url",
                violation_error_message="This channel has a tracked site with this URL already.",
            ),
            models.CheckConstraint(
                condition=models.Q(url__regex=r"^https?://[^/?#@]+$"),
                name="tracked_site_url_is_an_origin",
                violation_error_message="Write the scheme and the domain only.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if not self.url:
            return  # the field itself says what is wrong
        # As an address bar has it: a lone slash is no path.
        self.url = self.url.strip()
        if not self.url.endswith("//"):
            self.url = self.url.removesuffix("/")
        _validate_site_url(self.url.lower())
        try:
            self.url = str(read_web_address(self.url))
        except ValueError:
            raise ValidationError({"url": "This is not the domain of a website."}) from None


def _validate_site_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValidationError({"url": "This is not a URL."}) from None
    is_local = not settings.PRODUCTION and (host == "localhost" or host.endswith(".localhost"))
    if parts.scheme != "https" and not (is_local and parts.scheme == "http"):
        raise ValidationError({"url": "Tracked sites need HTTPS: start with https://."})
    if parts.path or parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValidationError({"url": "Leave out everything after the domain."})
    if "@" in url or ("." not in host and not is_local):
        raise ValidationError({"url": "This is not the domain of a website."})
    if port is not None and not is_local:
        raise ValidationError({"url": "Leave out the port."})


class SiteContact(models.Model):
    """The contact that a visitor is on one tracked site.

    Contacts are separate for each tracked site, until the visitor comes to the main site. One
    `visitor` is one browser that was recognised on several sites.
    """

    visitor = models.UUIDField(default=uuid.uuid4)
    tracked_site = models.ForeignKey(TrackedSite, models.CASCADE, related_name="site_contacts")
    contact = ContactKey(
        on_merge=OnMerge.MOVE, on_erase=OnErase.DELETE, export=False, related_name="site_contacts"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["visitor", "tracked_site"], name="one_contact_per_visitor_and_site"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contact} on {self.tracked_site}"


class UsedHandover(models.Model):
    """A hand-over token that was used: it cannot be used again."""

    token_id = models.UUIDField(primary_key=True)
    used_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return str(self.token_id)


class BrowserHits(models.Model):
    """How many requests of browsers ended how, by the hour: what the site doctor reads."""

    class Outcome(models.TextChoices):
        RECORDED = "recorded", "Recorded"
        ORIGIN = "origin", "Unknown or disabled website"
        CONSENT = "consent", "No agreement to the tracking consent"
        COOKIES = "cookies", "The browser blocks cookies"
        BOT = "bot", "A known bot"
        OPT_OUT = "opt_out", "The browser asks not to be tracked"
        LIMIT = "limit", "Too many new contacts from one address"
        INVALID = "invalid", "The activity breaks a rule"

    channel = models.ForeignKey("channels.Channel", models.CASCADE, related_name="+")
    origin = models.CharField(max_length=400)
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    hour = models.DateTimeField()
    count = models.PositiveBigIntegerField(default=1)
    last_at = models.DateTimeField(default=timezone.now)
    last_path = models.CharField(max_length=400, blank=True)
    last_version = models.CharField("script version", max_length=20, blank=True)

    class Meta:
        verbose_name_plural = "browser hits"
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "origin", "outcome", "hour"], name="one_count_per_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.origin}: {self.count} {self.get_outcome_display()}"
