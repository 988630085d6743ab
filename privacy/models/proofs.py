"""The proof of agreements of people who were erased, without a word about who they were."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now


class KeptAgreement(models.Model):
    """One answer of a person who was erased since: to which text, when and where. Never edited.

    The person is known by keyed hashes of the emails and GUIDs that they had. Who types one of
    these finds the answers; from the answers nobody finds a person.
    """

    # The rows of one erasure have the same.
    erasure = models.UUIDField()
    names = ArrayField(models.CharField(max_length=64), help_text="Keyed hashes, in hexadecimal.")
    consent = models.ForeignKey("consents.Consent", models.PROTECT, related_name="+")
    agreed = models.BooleanField("answer", help_text="Yes: agreed. No: revoked.")
    at = models.DateTimeField("time")
    text = models.ForeignKey("consents.ConsentText", models.PROTECT, null=True, related_name="+")
    channel = models.ForeignKey("channels.Channel", models.PROTECT, null=True, related_name="+")
    tracked_site = models.ForeignKey(
        "crosssite.TrackedSite", models.PROTECT, null=True, related_name="+"
    )
    came_by = models.CharField("how it came", max_length=250, blank=True)
    kept_at = models.DateTimeField("erased", db_default=Now())

    class Meta:
        verbose_name = "kept agreement"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(names=[]), name="a_kept_agreement_is_of_somebody"
            )
        ]
        indexes = [
            GinIndex(fields=["names"], name="kept_agreements_by_name"),
            models.Index(fields=["-at", "-id"], name="kept_agreements_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{'Agreed to' if self.agreed else 'Revoked'} {self.consent}"
