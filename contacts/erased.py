"""Erasures that go on, and the names that erased people had, as hashes. Models alone."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from jobs.models import Waiting


class Erasure(Waiting):
    """That a person is erased, or many together: what is still to be forgotten, and how far it is.

    The row is there from the moment in which the names are gone from the contact. Until nothing of
    the person is left, it has the names that are to be forgotten elsewhere; then it has counts and
    times alone.
    """

    class Reason(models.TextChoices):
        REQUEST = "request", "A request of the person"
        API = "api", "An application, over /api/3"
        COMMAND = "command", "A command"
        RETENTION = "retention", "A rule of retention"
        RESTORED = "restored", "A backup had brought the person back"
        CODE = "code", "Python code"

    reason = models.CharField(max_length=20, choices=Reason.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField("requested", default=timezone.now)
    finished_at = models.DateTimeField("finished", null=True, blank=True)
    people = models.PositiveIntegerField(default=1, db_default=1)
    # The contacts that are these people, and what they were known by.
    contact_ids = ArrayField(models.BigIntegerField(), default=list, editable=False)
    names = models.JSONField(default=dict, editable=False)
    counts = models.JSONField(
        default=dict, help_text="How many rows were deleted or cleared so far, by table."
    )
    expected = models.PositiveBigIntegerField(
        default=0, help_text="About how many rows there were to delete or to clear."
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(finished_at__isnull=True)
                | models.Q(contact_ids=[], names={}, last_error=""),
                name="a_finished_erasure_names_nobody",
            ),
            models.CheckConstraint(
                condition=models.Q(people__gte=1), name="an_erasure_is_of_somebody"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(finished_at__isnull=True),
                name="due_erasures",
            )
        ]

    def __str__(self) -> str:
        return f"Erasure of {timezone.localtime(self.requested_at):%d %b %Y %H:%M}"

    @property
    def done(self) -> int:
        """How many rows were deleted or cleared so far."""
        return sum(self.counts.values())


class ErasedName(models.Model):
    """A GUID, an email or an identifier that an erased person had, as a keyed hash.

    It keeps late events and imports from bringing the person back: what names them is refused. It
    is no `automations.Suppression`, which is about addresses that no email goes to. Only an answer
    that the person gives in a browser or a form takes it away.
    """

    class Kind(models.TextChoices):
        GUID = "guid", "GUID"
        EMAIL = "email", "Email"
        EMAIL_MD5 = "email_md5", "Email, as MD5"
        IDENTIFIER = "identifier", "Identifier"
        # Not a name: by it a hub sees that it has another key than the one that hashed the others.
        KEY = "key", "The key itself"

    pk = models.CompositePrimaryKey("kind", "digest")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    digest = models.BinaryField(help_text="HMAC-SHA-256 of the name, under ERASURE_KEY.")
    at = models.DateTimeField("erased", default=timezone.now)

    class Meta:
        verbose_name = "erased name"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {timezone.localtime(self.at):%d %b %Y}"
