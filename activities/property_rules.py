"""The rules of the event specification, as rows."""

from functools import cached_property

from django.db import models

from activities.formats import validate_format


class PropertyRule(models.Model):
    """What one property of the activities of a type has to be like."""

    class Kind(models.TextChoices):
        STRING = "string", "Text"
        NUMBER = "number", "Number"
        BOOLEAN = "boolean", "True or false"
        OBJECT = "object", "Object"

    class Structure(models.TextChoices):
        SINGLE = "single", "One value"
        LIST = "list", "List"
        SET = "set", "List without repeats"

    activity_type = models.ForeignKey(
        "activities.ActivityType", models.CASCADE, related_name="property_rules"
    )
    name = models.CharField(
        "property",
        max_length=250,
        help_text="As it is sent. Dots lead into objects, also those of a list: items.product.id",
    )
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.STRING)
    structure = models.CharField(max_length=20, choices=Structure.choices, default=Structure.SINGLE)
    required = models.BooleanField(
        default=False, help_text="Inside of an object: of each such object that is sent."
    )
    format = models.CharField(
        max_length=500,
        blank=True,
        validators=[validate_format],
        help_text="A regular expression that the whole text has to match, such as [A-Z]{2}-[0-9]+",
    )
    is_personal = models.BooleanField(
        "personal data",
        default=False,
        help_text="Hidden in the admin from users who may not see contacts.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["activity_type", "name"],
                name="one_rule_per_property",
                # Rules may exchange their names.
                deferrable=models.Deferrable.DEFERRED,
                violation_error_message="Another rule is for this property.",
            ),
            models.CheckConstraint(
                condition=models.Q(name__regex=r"^[^.]+(\.[^.]+)*$"),
                name="rules_name_a_property",
                violation_error_message="Write names with single dots between them.",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="string") | models.Q(format=""),
                name="only_texts_have_a_format",
                violation_error_message="Only a text can have a format.",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=["string", "number", "boolean", "object"],
                    structure__in=["single", "list", "set"],
                ),
                name="rules_have_a_known_kind_and_structure",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The names that lead to the property."""
        return tuple(self.name.split("."))
