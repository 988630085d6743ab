"""What a connection keeps of the statements that are sent over it."""

import tracemalloc

import pytest
from django.db import DataError, connection, transaction

from contacts.models import Contact
from database.cursors import PREPARED_AFTER
from database.questions import Question, ask

pytestmark = pytest.mark.django_db

ASKED = Question("SELECT 'asked again and again', %s::int", [1], list)
MEGABYTE = 1_000_000


def is_prepared():
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return any("asked again and again" in statement for (statement,) in cursor.fetchall())


def test_the_text_of_statements_with_their_parameters_is_not_kept():
    ask(ASKED)
    tracemalloc.start()
    try:
        for number in range(20):
            assert not Contact.objects.filter(city=f"{number}" + "x" * MEGABYTE).exists()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 3 * MEGABYTE


def test_what_is_asked_again_is_prepared_whatever_is_sent_in_between():
    for _ in range(PREPARED_AFTER):
        ask(ASKED)
        for number in range(120):
            Contact.objects.filter(city=str(number)).exists()
    assert not is_prepared()

    ask(ASKED)

    assert is_prepared()


def test_what_is_asked_together_is_prepared_as_well():
    for _ in range(PREPARED_AFTER + 1):
        ask(ASKED, Question("SELECT 1", [], list))

    assert is_prepared()


def test_what_was_to_be_prepared_behind_what_failed_can_be_asked_again():
    for _ in range(PREPARED_AFTER):
        ask(ASKED)

    with pytest.raises(DataError), transaction.atomic():
        ask(Question("SELECT 1 / %s::int", [0], list), ASKED)

    assert ask(ASKED) == [[("asked again and again", 1)]]
