"""Emails as marketers write them."""

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from automations.models.automations import CODE_NAME
from consents.models import Consent
from groups.models import check_storable


class Template(models.Model):
    """An email that a marketer wrote: blocks in order, with places for what is known of a contact.

    Without a consent it is transactional: part of what a contact has asked for.
    """

    name = models.CharField("template name", max_length=200, validators=[check_storable])
    code_name = models.CharField(
        max_length=200,
        validators=[CODE_NAME],
        help_text="Automations and configuration files name the template by it.",
    )
    consent = models.ForeignKey(
        Consent,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Only contacts who agree to it get the email; its unsubscribe link takes the "
        "agreement back. Empty: the email is transactional, part of what a contact has asked for, "
        "such as a receipt or a file.",
    )
    subject = models.CharField(max_length=250, validators=[check_storable])
    preheader = models.CharField(
        max_length=250,
        blank=True,
        validators=[check_storable],
        help_text="What mail programs show behind the subject.",
    )
    from_name = models.CharField(
        max_length=100,
        blank=True,
        validators=[check_storable],
        help_text="Empty: the sender of the hub.",
    )
    from_email = models.EmailField(blank=True, help_text="Empty: the sender of the hub.")
    reply_to = models.EmailField(blank=True, help_text="Where answers go, if not to the sender.")
    blocks = models.JSONField(default=list, blank=True)
    open_consent = models.ForeignKey(
        Consent,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whether contacts open the email is counted of those who agree to this consent. "
        "Empty: of nobody.",
    )
    click_consent = models.ForeignKey(
        Consent,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The same for clicks on its links.",
    )
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)
    changed_at = models.DateTimeField("changed", default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("code_name"),
                name="one_template_per_code_name",
                violation_error_message="Another template has this code name.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_transactional(self) -> bool:
        """Whether contacts get it without an agreement, because they have asked for it."""
        return self.consent_id is None
