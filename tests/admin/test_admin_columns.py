"""Declared columns: what they show of a row, and to whom."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils.html import strip_tags

from adminsite.columns import Badge, Code, Column, Count, Moment, Short, labels_of, seen_by
from contacts.admin.columns import added_columns
from contacts.admin.naming import ContactColumn
from contacts.models import ContactMerge
from tests.factories import make_activity, make_contact

AT = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
ROW = SimpleNamespace(
    title="<b>", count=1234567, empty="", nothing=None, at=AT, site=SimpleNamespace(name="Shop")
)
NOBODY = AnonymousUser()


def test_a_column_reads_along_its_path():
    assert Column("site.name")(ROW) == "Shop"
    assert Column(lambda row: row.count + 1)(ROW) == 1234568


@pytest.mark.parametrize("path", ["empty", "nothing", "nothing.name"])
def test_a_column_without_a_value_is_empty(path):
    assert Column(path)(ROW) == "-"
    assert Moment(path, empty="Never")(ROW) == "Never"


def test_a_column_with_a_wrong_path_is_an_error():
    with pytest.raises(AttributeError):
        Column("site.nmae")(ROW)


def test_a_title_is_by_default_the_first_name_of_the_path():
    assert Column("site.name").short_description == "Site"
    assert Moment("last_activity").short_description == "Last activity"
    assert Column("site.name", "Where").short_description == "Where"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (Short("title"), "&lt;b&gt;"),
        (Count("count"), "1,234,567"),
        (Code("count"), "1234567content_copy"),
        (Moment("at"), "1 Mar 2026, 12:30"),
        (Moment("at", seconds=True), "1 Mar 2026, 12:30:15"),
        (Badge("title"), "&lt;b&gt;"),
        (Badge("count", labels={1234567: ("Many", "good")}), "Many"),
    ],
)
def test_a_column_shows_its_value(column, text, settings):
    settings.TIME_ZONE = "UTC"

    assert strip_tags(column(ROW)) == text


def test_a_badge_of_choices_has_their_labels():
    status = Badge("status", labels=labels_of({ContactMerge.Status.DONE: "good"}))

    html = status(SimpleNamespace(status="done"))

    assert strip_tags(html) == "Done"
    assert "bg-green-100" in html


def test_a_user_sees_the_column_that_is_meant_for_them():
    code = Code("guid")
    columns = ("name", Column("a"), Column("b", may_see=lambda user: False, instead=code))

    assert seen_by(NOBODY, columns) == (*columns[:2], code)


def test_a_column_without_a_counterpart_is_left_out():
    hidden = Column("a", may_see=lambda user: False)
    shown = Column("a", may_see=lambda user: True)

    assert seen_by(NOBODY, [hidden, shown]) == (shown,)


@pytest.mark.django_db
def test_a_contact_is_a_link_or_a_guid():
    activity = make_activity(make_contact(first_name="Ermintrude"))
    column = ContactColumn()
    (hidden,) = seen_by(NOBODY, [column])

    assert "Ermintrude" in column(activity)
    assert str(activity.contact.guid) in hidden(activity)
    assert "Ermintrude" not in hidden(activity)
    assert hidden.short_description == column.short_description == "Contact"


def test_added_columns_are_for_users_who_may_see_them():
    assert added_columns(NOBODY) == ()
