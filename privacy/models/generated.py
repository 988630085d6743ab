"""What the generated pages need beside what the hub knows: one row, and what was seen."""

from django.db import models


class PrivacyProfile(models.Model):
    """What the record of processing says and the hub cannot know; one row for the hub."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    controller = models.TextField(
        blank=True,
        help_text="Name, address and contact of the company that decides why data is processed.",
    )
    representative = models.TextField(
        blank=True, help_text="Its representative in the European Union, if it needs one."
    )
    officer = models.TextField(
        "data-protection officer", blank=True, help_text="Name and how to reach them."
    )
    purposes = models.TextField(
        blank=True,
        help_text="Why data is processed, beside the consents, automations and groups below.",
    )
    legal_bases = models.TextField(
        "legal bases",
        blank=True,
        help_text="On which basis, where it is not the consents below: contract, law, legitimate "
        "interest, and which.",
    )
    persons = models.TextField(
        "persons concerned",
        blank=True,
        help_text="Whose data it is, such as visitors of the website, customers, applicants.",
    )
    recipients = models.TextField(
        "further recipients",
        blank=True,
        help_text="Who gets data beside the destinations below: hosting, email provider, agencies.",
    )
    transfers = models.TextField(
        "transfers to third countries",
        blank=True,
        help_text="Which recipients are outside of the European Economic Area, and by which "
        "safeguards.",
    )
    security = models.TextField(
        "further security measures",
        blank=True,
        help_text="What the hub cannot know: the rooms, the backups, the training.",
    )

    class Meta:
        verbose_name = "privacy profile"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="there_is_one_privacy_profile")
        ]

    def __str__(self) -> str:
        return "Privacy profile"


class DictionaryEntry(models.Model):
    """What was seen of an activity type, of one of its columns, or of a property of it.

    A look at the newest activities of each type keeps it. Names of properties that only one
    contact has sent are not kept, nor those that look like data: a name may be personal, too.
    """

    class Part(models.TextChoices):
        """What the entry is about; the name of a type is empty."""

        TYPE = "type", "Activity type"
        FIELD = "field", "Field"
        PROPERTY = "property", "Property"

    activity_type = models.ForeignKey(
        "activities.ActivityType", models.CASCADE, related_name="dictionary_entries", db_index=False
    )
    part = models.CharField("what", max_length=10, choices=Part.choices)
    name = models.CharField("property", max_length=250, blank=True)
    # Kinds of JSON values that were seen, such as string and number.
    values = models.JSONField(default=list, editable=False)
    first_seen = models.DateTimeField("first seen", null=True)
    last_seen = models.DateTimeField("last seen", null=True)
    # How many activities of the type were looked at last, and how many of them have it.
    looked_at = models.PositiveIntegerField("activities looked at", default=0)
    filled = models.PositiveIntegerField("filled", default=0)
    # The channels of those activities, by id.
    channels = models.JSONField("senders", default=list, editable=False)
    # Of a type: how many activities there were at the last look, and how many names of properties
    # were left out.
    counted = models.PositiveBigIntegerField(default=0, editable=False)
    left_out = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = "dictionary entry"
        verbose_name_plural = "data dictionary"
        constraints = [
            models.UniqueConstraint(
                fields=["activity_type", "part", "name"], name="one_entry_for_each_part_of_a_type"
            ),
            models.CheckConstraint(
                condition=models.Q(part="type", name="")
                | (models.Q(part__in=["field", "property"]) & ~models.Q(name="")),
                name="what_is_no_type_has_a_name",
            ),
            models.CheckConstraint(
                condition=models.Q(filled__lte=models.F("looked_at")),
                name="no_more_is_filled_than_was_looked_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.get_part_display()} of {self.activity_type}"
