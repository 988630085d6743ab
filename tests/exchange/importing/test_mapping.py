"""Mappings: what columns mean, and what is wrong with a mapping in one line."""

import pytest

from exchange.importing.mapping import InvalidMapping, Mapping
from tests.factories import make_consent

pytestmark = pytest.mark.django_db

HEADERS = ["E-mail", "Born", "News", "Name"]


def test_mapping_says_what_columns_mean():
    news = make_consent("news")
    mapping = Mapping.of(
        {
            "e-mail ": "email",
            "Born": {"field": "birthday", "format": "DD/MM/YYYY"},
            "News": "consent:NEWS",
            "Name": None,
        },
        HEADERS,
    )
    assert [(one.position, str(one.target)) for one in mapping.columns] == [
        (0, "email"),
        (1, "birthday"),
        (2, "consent:NEWS"),
    ]
    assert mapping.columns[1].target.format.text == "DD/MM/YYYY"
    assert mapping.consents == [news]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([], "A mapping is an object"),
        ({"Born": "birthday"}, "No column means email"),
        ({"Mail": "email"}, "The file has no column “Mail”. It has “E-mail”, “Born”"),
        ({"E-mail": "email", "Name": "nickname"}, "Column “Name”: there is no field “nickname”"),
        ({"E-mail": "email", "Name": "email"}, "“E-mail” and “Name” both mean email"),
        ({"E-mail": "email", "News": "consent:nothing"}, "“News”: there is no consent “nothing”"),
        (
            {"E-mail": "email", "Born": {"field": "birthday", "format": "DD"}},
            "Column “Born”: The format “DD” has to have a day",
        ),
        ({"E-mail": {"field": "email", "format": "DD.MM.YYYY"}}, "email is no date"),
        ({"E-mail": {"field": "email", "trim": True}}, "“trim” is not known here"),
        ({"E-mail": "email", "": "first_name"}, "What holds for every row"),
        ({"E-mail": 3}, "Column “E-mail”: a field is a text"),
    ],
)
def test_mapping_that_cannot_be_used_says_why_in_a_line(given, problem):
    with pytest.raises(InvalidMapping) as error:
        Mapping.of(given, HEADERS)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_headers_that_are_names_of_fields_are_taken():
    headers = ["Email", "first_name", "First name", "consent:news", "GUID", "email", "groups"]
    assert Mapping.by_names(headers) == {
        **{"Email": "email", "first_name": "first_name", "consent:news": "consent:news"},
        "GUID": "guid",
    }


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"Name": "type"}, "No column means guid or email"),
        ({"E-mail": "email"}, "No column means type"),
        (
            {"E-mail": "email", "Name": "type", "Born": "properties", "News": "property:x"},
            "columns of single properties, and one of all",
        ),
    ],
)
def test_mapping_of_activities_needs_a_contact_and_a_type(given, problem):
    with pytest.raises(InvalidMapping, match=problem):
        Mapping.of(given, HEADERS, kind="activities")
