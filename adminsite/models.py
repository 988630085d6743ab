"""What the admin itself keeps: who changed what, where users are, and how they look at lists."""

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.text import capfirst

LONGEST_QUERY = 4_000


class AuditEntry(models.Model):
    """One change of one object, or one deed: by whom, from where, and what was different then.

    Functions of the database add the rows, and a trigger refuses to edit them. No key leads from
    here: an entry stays when its object or its user is gone.
    """

    class Action(models.TextChoices):
        ADDED = "added", "Added"
        CHANGED = "changed", "Changed"
        DELETED = "deleted", "Deleted"
        DONE = "done", "Done"

    at = models.DateTimeField("time", db_default=Now())
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    actor = models.CharField("who", max_length=150, blank=True)
    via = models.CharField(
        max_length=100, blank=True, help_text="“admin”, or the program that made the change."
    )
    address = models.CharField(max_length=100, blank=True)
    action = models.CharField(max_length=10, choices=Action.choices)
    model = models.CharField("kind", max_length=100, help_text="Such as channels.channel.")
    object_id = models.CharField(max_length=100, blank=True)
    name = models.CharField(
        max_length=250, blank=True, help_text="What the object was called; never a contact's name."
    )
    before = models.JSONField(null=True, help_text="The fields that differ, as they were.")
    after = models.JSONField(null=True, help_text="The same fields, as they became.")
    detail = models.TextField(blank=True, help_text="In words, what has no fields.")

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        # Nobody adds, changes or deletes entries, whatever the permission.
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest_first"),
            models.Index(fields=["user", "-at", "-id"], name="audit_of_a_user"),
            models.Index(fields=["model", "-at", "-id"], name="audit_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.called or self.kind} ({self.get_action_display().lower()})"

    @property
    def changed_model(self) -> type[models.Model] | None:
        """The model of what was changed; None if it was one of a version of before."""
        try:
            return apps.get_model(self.model)
        except (LookupError, ValueError):
            return None

    @property
    def kind(self) -> str:
        """What kind of thing was changed, as pages call it."""
        model = self.changed_model
        return capfirst(str(model._meta.verbose_name)) if model else self.model

    @property
    def called(self) -> str:
        """What the thing was called; its kind and number if it has no name."""
        return self.name or (f"{self.kind} {self.object_id}" if self.object_id else "")


class UserZone(models.Model):
    """In which time zone a user of the admin wants to see times."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="zone", primary_key=True
    )
    zone = models.CharField("time zone", max_length=64)

    class Meta:
        verbose_name = "time zone of a user"
        verbose_name_plural = "time zones of users"
        default_permissions = ()

    def __str__(self) -> str:
        return self.zone


class SavedView(models.Model):
    """A list with filters and an order, under a name: a user's own, or shared with all users.

    It is the part of an address and nothing more: what its list shows, and whether a user may see
    that list and use those filters, is decided whenever it is opened.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views", db_index=False
    )
    name = models.CharField(max_length=60)
    list = models.CharField(max_length=100, help_text="The model of its rows: contacts.contact.")
    query = models.CharField(max_length=LONGEST_QUERY, help_text="The part of the address.")
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "owner",
                "list",
                Lower("name"),
                name="one_saved_view_per_owner_list_and_name",
                violation_error_message="You have a view of this list with this name.",
            ),
            models.CheckConstraint(
                condition=~models.Q(name="") & ~models.Q(query=""),
                name="a_saved_view_has_a_name_and_filters",
                violation_error_message="A view has a name, and filters or an order.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["list"], condition=models.Q(shared=True), name="shared_views_of_a_list"
            )
        ]

    def __str__(self) -> str:
        return self.name
