"""The same contacts in each format, exactly."""

import datetime
import json
import zipfile

import pytest

from activities.models import Activity
from consents.agreements import record_agreement
from exchange.exporting.files import file_of
from tests.exchange.exporting.exports import made, rows_of
from tests.factories import make_activity, make_consent, make_contact, make_group

pytestmark = pytest.mark.django_db

UTC = datetime.UTC
AT = datetime.datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)


@pytest.fixture
def people():
    return [
        make_contact(
            email="ann@example.com",
            first_name="=cmd|' /C calc'!A0",
            last_name="Müller, “A”; B",
            birthday=datetime.date(1980, 2, 29),
            mobile_phone="+49 30 1234",
            zip="01067",
            notes="one\r\ntwo",
            created_at=AT,
        ),
        make_contact(first_name="<r>x</r>", birthday=datetime.date(1899, 12, 31), created_at=AT),
    ]


FIELDS = (
    *("email", "first_name", "last_name", "birthday", "mobile_phone", "zip", "notes", "created_at"),
)


def test_csv_is_for_spreadsheets_and_has_no_formulas(marketer, people):
    export = made(marketer, *FIELDS)

    start = file_of(export).read_bytes()
    assert start.startswith(b"\xef\xbb\xbfemail,first_name,")
    assert b"\r\n" in start
    assert rows_of(export) == [
        list(FIELDS),
        [
            "ann@example.com",
            "'=cmd|' /C calc'!A0",
            "Müller, “A”; B",
            "1980-02-29",
            "+49 30 1234",
            "01067",
            "one\r\ntwo",
            "2026-03-01T12:30:15Z",
        ],
        ["", "<r>x</r>", "", "1899-12-31", "", "", "", "2026-03-01T12:30:15Z"],
    ]


def test_csv_may_have_semicolons_and_names_in_words(marketer, people):
    export = made(marketer, "last_name", "mobile_phone", delimiter=";", headers="words")

    assert file_of(export).read_text("utf-8-sig").splitlines()[0] == "Last name;Private phone"
    assert rows_of(export)[1] == ["Müller, “A”; B", "+49 30 1234"]


def test_excel_gets_texts_dates_and_no_formulas(marketer, people):
    export = made(marketer, *FIELDS, form="xlsx")

    assert rows_of(export) == [
        list(FIELDS),
        [
            "ann@example.com",
            "=cmd|' /C calc'!A0",
            "Müller, “A”; B",
            datetime.date(1980, 2, 29),
            "+49 30 1234",
            "01067",
            "one\r\ntwo",
            datetime.datetime(2026, 3, 1, 12, 30, 15),
        ],
        ["", "<r>x</r>", "", "1899-12-31", "", "", "", datetime.datetime(2026, 3, 1, 12, 30, 15)],
    ]
    with zipfile.ZipFile(file_of(export)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        # A text stays one when somebody edits its cell.
        assert 'quotePrefix="1"' in book.read("xl/styles.xml").decode()


def test_a_text_that_no_cell_of_excel_holds_is_cut_and_counted(marketer):
    make_contact(notes="x" * 40_000)

    export = made(marketer, "notes", form="xlsx")

    assert export.cut == 1
    assert rows_of(export)[1] == ["x" * 32_767]


def test_ndjson_has_values_as_they_are(marketer, people):
    export = made(marketer, "email", "first_name", "birthday", form="ndjson")

    assert rows_of(export) == [
        {
            "email": "ann@example.com",
            "first_name": "=cmd|' /C calc'!A0",
            "birthday": "1980-02-29",
        },
        {"email": None, "first_name": "<r>x</r>", "birthday": "1899-12-31"},
    ]


def test_parquet_has_columns_with_types(marketer):
    make_activity(occurred_at=AT, properties={"amount": 12.5, "name": "=1", "tags": ["a"]})

    export = made(
        marketer,
        *("time", "title", "properties", "property:amount", "property:name", "property:tags"),
        model=Activity,
        form="parquet",
    )

    headers, row = rows_of(export)
    assert headers == [
        *("time", "title", "properties", "property:amount", "property:name", "property:tags")
    ]
    assert row[0].astimezone(UTC) == AT
    assert row[1] == "Page visit 'Home'"
    assert json.loads(row[2]) == {"amount": 12.5, "name": "=1", "tags": ["a"]}
    assert row[3:] == ["12.5", "=1", '["a"]']


def test_properties_of_activities_may_have_columns(marketer):
    make_activity(properties={"amount": 12.5, "name": "=1", "is_new": True, "tags": ["a"]})
    make_activity()

    names = ("properties", "property:amount", "property:is_new", "property:name", "property:tags")
    export = made(marketer, *names, model=Activity)

    assert rows_of(export) == [
        list(names),
        [
            '{"name":"=1","tags":["a"],"amount":12.5,"is_new":true}',
            *("12.5", "yes", "'=1", '["a"]'),
        ],
        ["", "", "", "", ""],
    ]


def test_contacts_come_with_groups_tags_and_consents(marketer):
    consent = make_consent("news")
    yes, no, nothing = (make_contact() for _ in range(3))
    record_agreement(yes, consent, agreed=True, language="en")
    record_agreement(no, consent, agreed=False, language="en")
    make_group("loans", members=[yes, no])
    make_group("a-list", members=[yes])

    columns = ("guid", "groups", "member_since", "consent:news", "consent_version:news")
    found = rows_of(made(marketer, *columns, query="group=loans"))

    assert [row[0] for row in found[1:]] == [str(yes.guid), str(no.guid)]
    assert [row[1] for row in found[1:]] == ["a-list; loans", "loans"]
    assert all(row[2].endswith("Z") for row in found[1:])
    assert [row[3:] for row in found[1:]] == [["yes", "en 1"], ["no", "en 1"]]
    assert rows_of(made(marketer, *columns[:2], *columns[3:]))[3] == [str(nothing.guid), "", "", ""]


def test_a_yes_that_counts_no_more_is_none(marketer):
    consent = make_consent("news", older_versions_count=False)
    record_agreement(make_contact(), consent, agreed=True, language="en")
    consent.texts.update(superseded_at=AT)

    assert rows_of(made(marketer, "consent:news"))[1] == ["earlier"]
