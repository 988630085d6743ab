"""Where contacts are met, and who may report them: channels and API keys."""

import uuid
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from channels.identifiers import (
    make_account_id,
    make_event_key,
    make_site_id,
    make_source_key,
)
from channels.origins import OriginsField
from database.memory import forget_everything
from web.doors import access_choices, default_access
from web.hosts import read_domain

# From when on a key is said to end soon, and when its last use is not long ago.
ENDS_SOON = timedelta(days=3)
STILL_USED = timedelta(days=1)

_without_spaces = RegexValidator(r"^[!-~]+$", "Use letters, digits and signs without spaces.")


class CookieLevel(models.IntegerChoices):
    """Which cookies a website may set for a visitor; contacts are tracked from VISITOR on."""

    NONE = -1000, "None"
    SYSTEM = -100, "System"
    ESSENTIAL = 0, "Essential"
    EDITOR = 100, "Editor"
    VISITOR = 200, "Visitor"
    ALL = 1000, "All"


class Channel(models.Model):
    """A main site with a domain, or an app or server that calls the tracking API."""

    class Kind(models.TextChoices):
        HEADLESS = "headless", "Headless (an app or a server)"
        WEBSITE = "website", "Website (a main site with a domain)"

    guid = models.UUIDField(
        "channel identifier for Tracking API",
        default=uuid.uuid4,
        unique=True,
        editable=False,
        help_text="Applications send this as “channel” with every activity.",
    )
    name = models.CharField(max_length=200, help_text="How this channel is called in the admin.")
    code_name = models.SlugField(
        max_length=100, help_text="A short name for scripts and commands, such as mobile-app."
    )
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.HEADLESS)
    domain = models.CharField(
        max_length=255,
        blank=True,
        help_text="Website channels only: the main site's domain, such as www.example.com.",
    )
    allowed_origins = OriginsField(
        blank=True,
        default=list,
        help_text=(
            "Web pages that may call the tracking API from a browser, one a line: "
            "https://app.example.com, app.example.com, or * for all. Empty: none."
        ),
    )
    tracking_consent = models.ForeignKey(
        "consents.Consent",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="channels",
        help_text="The consent that people give before they are tracked on this channel.",
    )
    enforce_consent = models.BooleanField(
        "enforce the tracking consent",
        default=False,
        help_text=(
            "Refuse activities of contacts who have not agreed to the tracking consent. "
            "When off, the calling application decides."
        ),
    )
    agree_cookie_level = models.SmallIntegerField(
        choices=CookieLevel.choices,
        default=CookieLevel.ALL,
        help_text="Website channels: the level of people who agreed to the tracking consent.",
    )
    default_cookie_level = models.SmallIntegerField(
        choices=CookieLevel.choices,
        default=CookieLevel.ESSENTIAL,
        help_text="Website channels: the level of everybody else, and of people who revoked it.",
    )
    honours_opt_out_signals = models.BooleanField(
        "honour opt-out signals",
        default=True,
        help_text=(
            "Website channels: do not track browsers that send Global Privacy Control or Do Not "
            "Track."
        ),
    )
    account_id = models.CharField(
        "account ID (actid)",
        max_length=32,
        default=make_account_id,
        validators=[_without_spaces],
        help_text="ActiveCampaign-format events name this channel by it, as “actid”.",
    )
    event_key = models.CharField(
        max_length=100,
        default=make_event_key,
        validators=[_without_spaces],
        help_text="Proves that an ActiveCampaign-format event may be logged; sent as “key”.",
    )
    event_tracking_enabled = models.BooleanField(
        "event tracking",
        default=True,
        help_text="When off, ActiveCampaign-format events are refused; the inspector shows them.",
    )
    site_id = models.CharField(
        "site ID (tc_s)",
        max_length=32,
        default=make_site_id,
        validators=[_without_spaces],
        help_text=(
            "Commanders Act-format events name the site by it, as “tc_s”. Channels of one site "
            "share the ID, and with it what user IDs and anonymous IDs mean."
        ),
    )
    source_key = models.CharField(
        max_length=200,
        default=make_source_key,
        validators=[_without_spaces],
        help_text="Commanders Act-format events name this channel by it, as “token”.",
    )
    source_enabled = models.BooleanField(
        "source is enabled",
        default=True,
        help_text="When off, Commanders Act-format events are refused; the inspector shows them.",
    )
    accepts_new_event_names = models.BooleanField(
        "log events with new names",
        default=True,
        help_text=(
            "An event name seen for the first time becomes an activity type. When off, only events "
            "of existing types are logged."
        ),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("code_name"),
                name="one_channel_per_code_name",
                violation_error_message="Another channel has this code name.",
            ),
            models.UniqueConstraint(
                Lower("domain"),
                condition=~models.Q(domain=""),
                name="one_channel_per_domain",
                violation_error_message="Another channel has this domain.",
            ),
            models.UniqueConstraint(
                fields=["account_id"],
                name="one_channel_per_account_id",
                violation_error_code="unique",  # which makes it an error of the field
                violation_error_message="Another channel has this account ID.",
            ),
            models.UniqueConstraint(
                fields=["source_key"],
                name="one_channel_per_source_key",
                violation_error_code="unique",
                violation_error_message="Another channel has this source key.",
            ),
            models.CheckConstraint(
                condition=~(
                    models.Q(account_id="")
                    | models.Q(event_key="")
                    | models.Q(site_id="")
                    | models.Q(source_key="")
                ),
                name="channels_have_all_identifiers",
                violation_error_message="No identifier of a channel may be empty.",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="website") ^ models.Q(domain=""),
                name="website_channels_and_only_they_have_a_domain",
                violation_error_message=(
                    "A website channel needs a domain, and a headless channel has none."
                ),
            ),
            models.CheckConstraint(
                condition=models.Q(agree_cookie_level__gte=CookieLevel.VISITOR),
                name="agreeing_allows_tracking",
                violation_error_message="Who agrees is tracked: choose the level Visitor or All.",
            ),
            models.CheckConstraint(
                condition=models.Q(enforce_consent=False)
                | models.Q(tracking_consent__isnull=False),
                name="enforcing_needs_a_tracking_consent",
                violation_error_message="Choose the tracking consent that is to be enforced.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:
        super().save(*args, **kwargs)
        transaction.on_commit(forget_everything)

    def clean(self) -> None:
        if self.domain:
            self.domain = _read_domain(self.domain)


def _read_domain(typed: str) -> str:
    """The domain that a person typed, as browsers write it in `Host`."""
    try:
        return read_domain(typed)
    except ValueError:
        detail = "This is not a domain: write www.example.com, without a path."
        raise ValidationError({"domain": detail}) from None


class ApiKeyQuerySet(models.QuerySet):
    def ending_in_use(self):
        """Keys that end soon and were used not long ago: a sender was forgotten."""
        now = timezone.now()
        return self.filter(
            enabled=True,
            expires_at__gt=now,
            expires_at__lte=now + ENDS_SOON,
            last_used_at__gt=now - STILL_USED,
        )


class ApiKey(models.Model):
    """A secret with which an application reports to one channel; only its hash is kept."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=200, help_text="Who uses this key, such as “iOS app”.")
    access = models.CharField(
        "access type",
        max_length=20,
        choices=access_choices,
        default=default_access,
        help_text="What the key opens. It cannot be changed later.",
    )
    enabled = models.BooleanField(
        default=True, help_text="Switch off to refuse the key; that takes up to a second."
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Refused from then on. Empty: never."
    )
    identifier = models.CharField(
        max_length=16, unique=True, editable=False, help_text="The part of the key that is shown."
    )
    secret_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    last_used_address = models.CharField(
        "used from",
        max_length=45,
        blank=True,
        default="",
        editable=False,
        help_text="The network of the caller; of a private network, the address.",
    )
    last_used_origin = models.CharField(
        "used by the website", max_length=255, blank=True, default="", editable=False
    )
    replaced_by = models.OneToOneField(
        "self",
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="replaces",
        help_text="The key that was made when this one was rotated.",
    )
    told_of_end = models.DateTimeField(
        null=True, editable=False, help_text="The end of which users were told by email."
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(replaced_by__isnull=True) | models.Q(expires_at__isnull=False),
                name="a_replaced_key_ends",
                violation_error_message="A key that was rotated has to end.",
            ),
            models.CheckConstraint(
                condition=models.Q(replaced_by__isnull=True)
                | ~models.Q(replaced_by=models.F("pk")),
                name="no_key_replaces_itself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.identifier}…)"

    def save(self, *args, **kwargs) -> None:
        super().save(*args, **kwargs)
        transaction.on_commit(forget_everything)

    def clean(self) -> None:
        if self.pk and ApiKey.objects.filter(pk=self.pk).exclude(access=self.access).exists():
            raise ValidationError({"access": "The access type of a key cannot be changed."})
        if self.replaced_by_id and self.expires_at is None:
            raise ValidationError({"expires_at": "A key that was rotated has to end."})

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def opens(self, access: str) -> bool:
        """Whether the key opens what keys of this access type do, now."""
        return self.access == access and self.enabled and not self.is_expired

    @property
    def is_ending(self) -> bool:
        """Whether it was rotated and is valid until its time is over."""
        return bool(self.replaced_by_id) and self.enabled and not self.is_expired

    @property
    def ends_in_use(self) -> bool:
        """Whether it is one of those `ending_in_use`."""
        now = timezone.now()
        return (
            self.enabled
            and self.expires_at is not None
            and now < self.expires_at <= now + ENDS_SOON
            and self.last_used_at is not None
            and self.last_used_at > now - STILL_USED
        )
