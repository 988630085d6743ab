from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

from database.letter_case import Searchable

FIELDS = ("email", "last_name", "first_name")


def index_of(field):
    return models.Index(
        OpClass(Searchable(field), name="text_pattern_ops"),
        name=f"contact_{field}_search",
        condition=~models.Q(**{field: ""}),
    )


class Migration(migrations.Migration):
    """The new indexes come before the old ones go, so that searching goes on meanwhile."""

    atomic = False

    dependencies = [
        ("contacts", "0006_ids_without_a_fraction"),
        ("channels", "0006_letter_case_by_one_rule"),
    ]

    operations = [
        *(AddIndexConcurrently("contact", index_of(field)) for field in FIELDS),
        *(RemoveIndexConcurrently("contact", f"contact_{field}_prefix") for field in FIELDS),
    ]
