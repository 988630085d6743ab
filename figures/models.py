"""What a reader counts for the dashboard, so that no page reads a log.

Times are starts of quarters of an hour, of which hours and days of every time zone are made. What
is older than some days is kept by the hour, at the start of the hour.
"""

from django.db import models


class PeopleSeen(models.Model):
    """Who did something within a quarter of an hour: ids of contacts as roaring bitmaps.

    The people of several quarters are the union of their bitmaps, so nobody counts twice.
    """

    at = models.DateTimeField(primary_key=True)
    seen = models.BinaryField()
    # Those of them of whom the first thing that was recorded happened then.
    new = models.BinaryField()

    class Meta:
        verbose_name = "people seen"
        verbose_name_plural = "people seen"

    def __str__(self) -> str:
        return f"People at {self.at:%d %b %Y %H:%M}"


class KnownPeople(models.Model):
    """Which of a million contacts have an email or a name, and which ever did anything."""

    part = models.BigIntegerField(primary_key=True, help_text="Id of a contact / 2 ** 20.")
    named = models.BinaryField()
    ever_seen = models.BinaryField()

    class Meta:
        verbose_name = "known people"
        verbose_name_plural = "known people"

    def __str__(self) -> str:
        return f"People from {self.part << 20:,} on"


class Count(models.Model):
    """How often something happened within a quarter of an hour.

    Of pages and sources only the most frequent have a row; the others are counted together, with
    an empty key.
    """

    class Kind(models.TextChoices):
        """What is counted, and what the keys are."""

        TYPE = "type", "Activities of a type, by its id"
        CHANNEL = "channel", "Activities of a channel, by its id"
        SITE = "site", "Activities of a tracked site, by its id"
        PAGE = "page", "Page visits, by host and path"
        REFERRER = "referrer", "Page visits that come from another website, by its host"
        CAMPAIGN = "campaign", "Page visits with utm_source, by that and utm_campaign"
        AGREED = "agreed", "Agreements, by the id of the consent"
        REVOKED = "revoked", "Revocations, by the id of the consent"
        ENTERED = "entered", "Entries, by the id of the group"
        LEFT = "left", "Exits, by the id of the group"
        EMAIL = "email", "What became of emails, by the kind of event"

    pk = models.CompositePrimaryKey("kind", "at", "key")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    at = models.DateTimeField()
    key = models.TextField(blank=True)
    count = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = "count"

    def __str__(self) -> str:
        return f"{self.count:,} {self.kind} {self.key} at {self.at:%d %b %Y %H:%M}"
