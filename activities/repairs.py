"""What makes activities of a sender acceptable that would be refused: two kinds of rows.

Both count for what comes from then on, and for what is replayed.
"""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from activities.system_types import SystemType
from database.letter_case import Fold
from web.doors import all_doors


def door_choices() -> list[tuple[str, str]]:
    """The formats whose activities a repair may be for."""
    return [(door.name, door.title) for door in all_doors()]


class _OfSenders(models.Model):
    """What counts for the activities of some senders: of all, or of a channel or a format."""

    channel = models.ForeignKey(
        "channels.Channel",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: all channels.",
    )
    door = models.CharField(
        "format", max_length=50, choices=door_choices, blank=True, help_text="Empty: all formats."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class MappedName(_OfSenders):
    """A name that senders give as the type, and the activity type that is meant by it."""

    sent = models.CharField(
        "type as sent",
        max_length=250,
        help_text="What the application sends as its type, or its event name. Letter case makes no "
        "difference.",
    )
    type = models.ForeignKey(
        "activities.ActivityType",
        models.CASCADE,
        related_name="mapped_names",
        verbose_name="activity type",
        help_text="What is recorded instead, from now on.",
    )

    class Meta:
        verbose_name = "mapped name"
        constraints = [
            models.UniqueConstraint(
                Fold("sent"),
                "channel",
                "door",
                nulls_distinct=False,
                name="one_type_per_name_of_a_sender",
                violation_error_message="This name is mapped already for these senders.",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    *[~models.Q(sent__fold=name) for name in sorted(SystemType.values)]
                ),
                name="system_types_are_not_mapped",
                violation_error_message="The hub gives this name a meaning of its own.",
            ),
        ]

    def __str__(self) -> str:
        return f"“{self.sent}” is recorded as “{self.type}”"

    def clean(self) -> None:
        # Of other types, doors leave out the fields of the contact before anything is known here.
        if self.type_id and self.type.code_name == SystemType.DATA_INPUT:
            detail = "Data inputs have contact fields, which are read by that name alone."
            raise ValidationError({"type": detail})


class Correction(_OfSenders):
    """What is done about one field of the activities that would be refused for it."""

    class Action(models.TextChoices):
        CUT = "cut", "Cut the text to the length that is allowed"
        CLEAN = "clean", "Take out characters that cannot be stored"
        DROP = "drop", "Leave the field out"
        NUMBER = "number", "Read it as a number, also with a decimal comma"
        TEXT = "text", "Write it as a text"
        COUNTRY = "country", "Read the name or the two letters of a country"
        REPLACE = "replace", "Replace values"
        DEFAULT = "default", "Fill in a text where it is missing"

    code = models.CharField(
        "reason code", max_length=50, help_text="Why the activities would be refused."
    )
    field = models.CharField(
        max_length=250,
        help_text="As the inspector calls it: value, ContactCountry, or the path of a property.",
    )
    type = models.ForeignKey(
        "activities.ActivityType",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="corrections",
        verbose_name="activity type",
        help_text="Empty: all types.",
    )
    action = models.CharField(max_length=20, choices=Action.choices)
    text = models.TextField(
        blank=True,
        help_text="To fill in: the text. To replace: a line for each value, such as UK = GBR.",
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "field", "type", "channel", "door"],
                nulls_distinct=False,
                name="one_correction_per_field_and_reason",
                violation_error_message="There is a correction for this field and reason.",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    action__in=[
                        *("cut", "clean", "drop", "number"),
                        *("text", "country", "replace", "default"),
                    ]
                ),
                name="corrections_have_a_known_action",
            ),
            models.CheckConstraint(
                condition=~models.Q(action__in=["replace", "default"]) | ~models.Q(text=""),
                name="what_is_filled_in_is_given",
                violation_error_message="Write the text that the hub fills in.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field}: {self.get_action_display().lower()}"
