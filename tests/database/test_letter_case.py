"""Names are compared by one rule, in Python and in PostgreSQL."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from consents.models import Consent
from database.letter_case import fold, pairs
from tests.factories import make_consent


def in_postgresql(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT throughline_fold(%s)", [text])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Purchase", "purchase"),
        ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}ade", "iade"),
        ("ÄRGER", "ärger"),
        ("STRASSE", "strasse"),
        ("\N{LATIN CAPITAL LETTER SHARP S}", "ß"),
        ("\N{LATIN SMALL LETTER DOTLESS I}", "\N{LATIN SMALL LETTER DOTLESS I}"),
        ("\N{KELVIN SIGN}", "k"),
        ("\U0001e900", "\U0001e922"),
        ("", ""),
    ],
)
@pytest.mark.django_db
def test_letters_have_one_lower_case(text, folded):
    assert fold(text) == in_postgresql(text) == folded


@pytest.mark.django_db
def test_every_letter_is_the_same_in_both():
    letters = [chr(number) for number in range(1, 0x110000) if not 0xD800 <= number < 0xE000]
    for start in range(0, len(letters), 50_000):
        text = "".join(letters[start : start + 50_000])

        assert in_postgresql(text) == fold(text)


def test_the_rule_is_that_of_python_where_that_is_one_letter_for_one():
    differs = [(upper, lower) for upper, lower in pairs() if upper.lower() != lower]

    assert differs == [("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i")]
    assert len(list(pairs())) == 1433


@pytest.mark.django_db
def test_consents_are_found_by_the_same_rule():
    consent = make_consent("Tracking")

    dotted = "TRACK\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}NG"
    assert Consent.objects.get(code_name__fold=dotted) == consent
    # Upper case would make an I of it.
    odd = "track\N{LATIN SMALL LETTER DOTLESS I}ng"
    assert not Consent.objects.filter(code_name__fold=odd).exists()


@pytest.mark.django_db(transaction=True)
def test_types_that_become_one_by_the_rule_keep_what_was_logged():
    executor = MigrationExecutor(connection)
    executor.migrate([("activities", "0011_recorded_in_one_call")])
    old = executor.loader.project_state([("activities", "0011_recorded_in_one_call")]).apps
    OldType = old.get_model("activities", "ActivityType")
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX one_activity_type_per_code_name")
    first = OldType.objects.create(code_name="ärger", name="First", door="commandersact")
    second = OldType.objects.create(code_name="ÄRGER", name="Second", door="commandersact")
    with connection.cursor() as cursor:
        # As in a database of the locale C.
        cursor.execute(
            "CREATE UNIQUE INDEX one_activity_type_per_code_name"
            ' ON activities_activitytype (lower(code_name COLLATE "C"))'
        )

    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())

    names = OldType.objects.filter(pk__in=[first.pk, second.pk]).order_by("pk")
    assert list(names.values_list("code_name", flat=True)) == ["ärger", f"ÄRGER ({second.pk})"]
    OldType.objects.filter(pk__in=[first.pk, second.pk]).delete()
