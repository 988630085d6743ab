"""Contact groups, their members, and the history of entry and exit."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from contacts.keys import ContactKey, OnErase, OnMerge
from database.transaction_ids import CurrentTransactionId, TransactionIdField
from jobs.models import Waiting


def rule_for_everybody() -> dict[str, object]:
    """A rule without conditions: it holds for all contacts."""
    return {"match": "all", "conditions": []}


def check_storable(text: str) -> None:
    """Refuse what no text of the database can have: NUL, and halves of characters.

    :raises ValidationError: if there is one in `text`
    """
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValidationError("Take out the character that no text can have.")


# A static group needs no building.
HAS_MEMBERS = models.Q(models.Q(static=True) | models.Q(built_version__gt=0), enabled=True)


class ContactGroupQuerySet(models.QuerySet):
    def with_members(self):
        """Groups that have members: they are switched on, and have been built since."""
        return self.filter(HAS_MEMBERS)

    def with_due(self):
        """Groups with `is_due`, and `last_build_status`: how their newest build is doing, or "".

        A group is due if its members may not be those of its rule until it is built: the rule is
        newer than they are, nothing is followed, or the build that was needed was cancelled.
        """
        newest = GroupBuild.objects.filter(group=models.OuterRef("pk")).order_by("-id")
        is_behind = (
            models.Q(built_version__lt=models.F("version"))
            | models.Q(served_rule__isnull=True)
            | models.Q(last_build_status=GroupBuild.Status.CANCELLED)
        )
        return self.annotate(
            last_build_status=Coalesce(
                models.Subquery(newest.values("status")[:1]), models.Value("")
            ),
            is_due=models.ExpressionWrapper(
                models.Q(is_behind, enabled=True, static=False), models.BooleanField()
            ),
        )


class ContactGroup(models.Model):
    """A named rule over contacts (dynamic), or a list of them that users keep (static)."""

    name = models.CharField("group name", max_length=200, validators=[check_storable])
    code_name = models.CharField(
        max_length=200,
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9_.-]+\Z",
                "Use letters, digits, underscores, dots and hyphens only.",
            )
        ],
        help_text="Websites, applications and configuration files name the group by it.",
    )
    description = models.TextField(
        blank=True,
        validators=[check_storable],
        help_text="What the group is for, for the other marketers.",
    )
    enabled = models.BooleanField(
        default=True,
        help_text="A group that is switched off has no members until it is switched on again.",
    )
    static = models.BooleanField(
        default=False,
        help_text="A static group is a list that you fill by hand or from a file; "
        "a dynamic one has a rule.",
    )
    rule = models.JSONField(default=rule_for_everybody)
    visible_to_websites = models.BooleanField(
        default=False,
        help_text="Whether scripts on websites may learn that their visitor is in this group.",
    )
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)
    # How often the rule was changed; what is built for an older rule is thrown away.
    version = models.PositiveIntegerField(default=1, editable=False)
    rule_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    built_version = models.PositiveIntegerField(
        default=0, editable=False, help_text="For which version of the rule the members are."
    )
    built_at = models.DateTimeField("built", null=True, editable=False)
    # The rule that the members follow: of `built_version`, until a newer one is built. None if
    # nothing is followed: the group is static, switched off, or was never built.
    served_rule = models.JSONField(null=True, editable=False)
    # A hash of what the names in that rule stood for, such as the current texts of a consent.
    built_meaning = models.CharField(max_length=64, default="", editable=False)

    objects = ContactGroupQuerySet.as_manager()

    class Meta:
        verbose_name = "contact group"
        constraints = [
            models.UniqueConstraint(
                Lower("code_name"),
                name="one_contact_group_per_code_name",
                violation_error_message="Another contact group has this code name.",
            ),
            models.CheckConstraint(
                condition=models.Q(built_version__lte=models.F("version")),
                name="no_group_is_built_ahead_of_its_rule",
            ),
            models.CheckConstraint(
                condition=models.Q(served_rule__isnull=True)
                | models.Q(static=False, enabled=True, built_version__gt=0),
                name="only_groups_that_were_built_follow_a_rule",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_members(self) -> bool:
        """Whether it is one of the groups `with_members`."""
        return self.enabled and (self.static or self.built_version > 0)


class GroupBuild(Waiting):
    """One evaluation of a group's rule for all contacts: asked for, under way, or over."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        OUTDATED = "outdated", "The rule was changed meanwhile"

    class Phase(models.TextChoices):
        NONE = "", "Not begun"
        READING = "reading", "Reading the history of all contacts"
        COMPARING = "comparing", "Comparing with the members of today"

    group = models.ForeignKey(ContactGroup, models.CASCADE, related_name="builds")
    version = models.PositiveIntegerField(help_text="Of the group's rule.")
    # A hash of what the names in that rule stood for when it was asked for. "" if the rule could
    # not be read, and of builds from before there was this column.
    meaning = models.CharField(max_length=64, default="", db_default="", editable=False)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WAITING)
    phase = models.CharField(max_length=20, choices=Phase.choices, blank=True, default=Phase.NONE)
    requested_at = models.DateTimeField(default=timezone.now)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    members = models.PositiveBigIntegerField(null=True)
    entered = models.PositiveBigIntegerField(null=True)
    left = models.PositiveBigIntegerField(null=True)

    class Meta:
        verbose_name = "build of a contact group"
        verbose_name_plural = "builds of contact groups"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="waiting", finished_at__isnull=True)
                | (~models.Q(status="waiting") & models.Q(finished_at__isnull=False)),
                name="a_build_is_waiting_until_finished",
            ),
            models.UniqueConstraint(
                fields=["group"],
                condition=models.Q(status="waiting"),
                name="one_waiting_build_per_group",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(status="waiting"), name="due_builds"
            ),
            models.Index(fields=["group", "-id"], name="builds_of_a_group"),
        ]

    def __str__(self) -> str:
        return f"Build of {self.group}"


class Membership(models.Model):
    """That a contact is in a group, and since when.

    The database does not check the keys of this and the next two tables: that would take most of
    the time of writing them. Their writers lock the contacts and the group first (`locks.py`).
    """

    group = models.ForeignKey(
        ContactGroup,
        models.CASCADE,
        related_name="memberships",
        db_index=False,
        db_constraint=False,
    )
    # The reader that follows merges takes the loser out, and has the survivor looked at again.
    contact = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="memberships",
        db_constraint=False,
    )
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "contact"], name="one_membership_per_group_and_contact"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contact} in {self.group}"


class MembershipEvent(models.Model):
    """That a contact came into a group or left it, when, and by what. Never edited."""

    class Cause(models.TextChoices):
        ACTIVITY = "activity", "An activity"
        CHANGE = "change", "A change of the contact"
        AGREEMENT = "agreement", "An answer to a consent"
        MERGE = "merge", "A merge of contacts"
        UNDO = "undo", "The undo of a merge"
        TOUCHED = "touched", "Activities were moved or deleted"
        CREATED = "created", "The contact was created"
        WINDOW = "window", "Time passed"
        RULE = "rule", "The rule was changed"
        GROUP = "group", "Another group"
        EMAIL = "email", "What became of an email"
        USER = "user", "A user of the admin"
        AUTOMATION = "automation", "An automation"
        IMPORT = "import", "An import"
        CODE = "code", "A command, a file or Python code"

    group = models.ForeignKey(
        ContactGroup, models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    contact = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=True,
        related_name="membership_events",
        db_index=False,
        db_constraint=False,
    )
    entered = models.BooleanField(help_text="Yes: came in. No: left.")
    at = models.DateTimeField("time", default=timezone.now)
    cause = models.CharField(max_length=20, choices=Cause.choices)
    # The activity, change, agreement, merge, group, build, import or event of an email that it was;
    # no key of the database points at an activity.
    cause_id = models.BigIntegerField(null=True, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    recorded_in = TransactionIdField(
        "transaction", editable=False, db_default=CurrentTransactionId()
    )

    class Meta:
        verbose_name = "entry or exit"
        verbose_name_plural = "entries and exits"
        indexes = [
            models.Index(fields=["contact", "-at", "-id"], name="entries_of_a_contact"),
            # Ascending: new rows come at its end, where PostgreSQL adds them for less.
            models.Index(fields=["group", "at", "id"], name="entries_of_a_group"),
            models.Index(
                fields=["by"], condition=models.Q(by__isnull=False), name="entries_by_a_user"
            ),
            models.Index(fields=["recorded_in", "id"], name="entries_as_readers_read"),
            models.Index(
                fields=["cause_id", "id"],
                condition=models.Q(cause="import"),
                name="entries_by_an_import",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact} {'entered' if self.entered else 'left'} {self.group}"


class MembershipDue(models.Model):
    """When a contact has to be looked at again for a group, because a window of its rule ends."""

    pk = models.CompositePrimaryKey("group_id", "contact_id")
    group = models.ForeignKey(
        ContactGroup, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    contact = ContactKey(
        on_merge=OnMerge.KEEP,
        on_erase=OnErase.DELETE,
        export=False,
        related_name="+",
        db_constraint=False,
    )
    due_at = models.DateTimeField()

    class Meta:
        verbose_name = "due look at a contact"
        verbose_name_plural = "due looks at contacts"
        indexes = [models.Index(fields=["due_at"], name="due_looks_at_contacts")]

    def __str__(self) -> str:
        return f"{self.contact} in {self.group}, from {self.due_at:%d %b %Y %H:%M:%S}"


class KnownCondition(models.Model):
    """Which contacts one condition held for a moment ago, so that previews count without reading.

    Only previews look at it, never membership. The table is not logged: a crash empties it, and
    the next preview fills it again.
    """

    digest = models.CharField(max_length=100, primary_key=True)
    contacts = models.BinaryField(help_text="Ids of contacts, as a serialised roaring bitmap.")
    count = models.PositiveBigIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name = "known condition"
        indexes = [models.Index(fields=["counted_at"], name="known_conditions_by_age")]

    def __str__(self) -> str:
        return f"{self.count:,} contacts, {self.counted_at:%d %b %Y %H:%M:%S}"
