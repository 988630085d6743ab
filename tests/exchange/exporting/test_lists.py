"""Every list of the admin that has filters can be exported, at a cost that rows do not multiply."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adminsite.listed import rows_listed
from contacts.models import Contact
from exchange.exporting.sources import can_be_exported, fields_for, rows_for
from tests.admin.history import SHOWN_MODELS, make_history
from tests.exchange.exporting.exports import made, rows_of

pytestmark = pytest.mark.django_db

EXPORTED = [model for model in SHOWN_MODELS if can_be_exported(model)]


def _name(model):
    return model._meta.model_name


def test_lists_without_filters_are_not_exported():
    left = {_name(model) for model in SHOWN_MODELS if not can_be_exported(model)}

    assert left == {
        *("chore", "consenttext", "dictionaryentry", "outboxmessage", "readerstate"),
        *("retentionrule", "usersession"),
    }


def test_each_list_is_exported_without_marks_and_ids_at_a_cost_that_rows_do_not_multiply(user_with):
    operator = user_with("operator")
    make_history("Some text")
    for model in EXPORTED:
        export = made(operator, model=model, form="ndjson")
        check_rows(model, export.found, rows_of(export))

    few = {model: queries_for(model, operator) for model in EXPORTED}
    for _ in range(2):
        make_history()

    assert {model: queries_for(model, operator) for model in EXPORTED} == few


def check_rows(model, count, rows):
    assert len(rows) == count > 0, model
    assert not {"id", "pk"} & set(rows[0]), model
    texts = [value for row in rows for value in row.values() if isinstance(value, str)]
    marked = [one for one in texts if "<span" in one or "</" in one or " object " in one]
    assert marked == [], model


def queries_for(model, user):
    """How many questions it takes to read all columns of all rows."""
    fields = fields_for(model, user, "")
    listed = rows_listed(model, user, "")
    ids = list(model._default_manager.values_list("pk", flat=True))
    names = frozenset(one.name for one in fields)
    with CaptureQueriesContext(connection) as asked:
        for row in rows_for(listed, ids, names, user):
            for one in fields:
                one.value(row)
    return len(asked)


@pytest.mark.parametrize("role", ["marketer", "developer", "dpo", "operator"])
def test_names_of_columns_are_there_once_and_say_something(user_with, role):
    user = user_with(role)
    make_history()

    for model in EXPORTED:
        fields = fields_for(model, user, "")
        titles = [one.title for one in fields]
        assert all(titles), model
        assert [one for one in fields if one.is_proposed], model
    assert "Private phone" in [one.title for one in fields_for(Contact, user, "")]
