"""What the columns of a file are for, by their names and by what stands in them."""

import pytest

from exchange.importing.columns import Columns
from exchange.importing.proposing import propose, system_of
from exchange.importing.reading import open_uploaded
from tests.exchange.importing.files import SAMPLES, mailchimp_zip

CONSENTS = {"news": "Newsletter", "TrackingConsent": "Tracking"}


def looked(path):
    """The columns of a file, as they were seen."""
    table = open_uploaded(path)
    columns = Columns(table.headers)
    for _, cells in table.rows():
        columns.see(cells)
    return columns.told()


def columns(headers, *rows):
    seen = Columns(headers)
    for row in rows or [["x"] * len(headers)]:
        seen.see(row)
    return seen.told()


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("E-Mail", "email"),
        ("E-Mail-Adresse", "email"),
        ("EMAIL ADDRESS", "email"),
        ("Courriel", "email"),
        ("Vorname", "first_name"),
        ("Prénom", "first_name"),
        ("first_name", "first_name"),
        ("Nachname", "last_name"),
        ("Apellidos", "last_name"),
        ("Efternamn", "last_name"),
        ("Mobile", "mobile_phone"),
        ("Handy-Nr", ""),
        ("PLZ", "zip"),
        ("Code postal", "zip"),
        ("Straße", "address1"),
        ("Ort", "city"),
        ("Firma", "company_name"),
        ("Land", "country"),
        ("Newsletter", "consent:news"),
        ("consent:TrackingConsent", "consent:TrackingConsent"),
        ("E-Mail Adress", "email"),
        ("Postleizahl", "zip"),
        ("Lieblingsfarbe", ""),
        ("Contact ID", ""),
    ],
)
def test_column_is_for_the_field_that_it_is_called_by(header, field):
    found = propose(columns([header]), consents=CONSENTS)

    assert found == ({header: field} if field else {})


def test_column_full_of_emails_is_the_email_whatever_it_is_called():
    seen = columns(["Login", "Name"], ["a@example.com", "Ann"], ["b@example.com", "Bob"])

    assert propose(seen) == {"Login": "email"}


def test_two_columns_are_not_for_the_same():
    seen = columns(["Email", "E-Mail", "Mail 2"], ["a@example.com", "b@example.com", "c@c.org"])

    assert propose(seen) == {"Email": "email"}


def test_column_without_anything_is_for_nothing():
    assert propose(columns(["Email", "City"], ["a@example.com", " "])) == {"Email": "email"}


@pytest.mark.parametrize(
    ("dates", "formats", "asks"),
    [
        (["03/04/2021", "05/06/2021"], ["DD/MM/YYYY", "MM/DD/YYYY"], True),
        (["03/04/2021", "25/06/2021"], ["DD/MM/YYYY"], False),
        (["03/04/2021", "05/26/2021"], ["MM/DD/YYYY"], False),
        (["25/04/2021", "05/26/2021"], ["DD/MM/YYYY", "MM/DD/YYYY"], True),
        (["03.03.2021", "04.05.2021"], ["DD.MM.YYYY", "MM.DD.YYYY"], True),
        (["03.03.2021", "04.04.2021"], ["DD.MM.YYYY"], False),
        (["2021-04-03"], ["YYYY-MM-DD"], False),
        (["25-04-21"], ["DD-MM-YY"], False),
        (["2021-04-03 10:11:12"], ["YYYY-MM-DD HH:MM:SS"], False),
        (["2021-04-03T10:11"], ["YYYY-MM-DDTHH:MM"], False),
        (["31.12.1899", "25.04.2021", "03.04.2021"], ["DD.MM.YYYY"], False),
    ],
)
def test_order_of_day_and_month_is_found_in_the_whole_column(dates, formats, asks):
    (seen,) = columns(["Geburtsdatum"], *([one] for one in dates))

    assert (seen["dates"]["formats"], seen["dates"]["asks"]) == (formats, asks)
    target = "birthday" if asks else {"field": "birthday", "format": formats[0]}
    assert propose([seen]) == {"Geburtsdatum": target}


def test_one_date_far_down_tells_the_order():
    rows = [["03/04/2021"]] * 500 + [["25/04/2021"]]

    assert columns(["Birthday"], *rows)[0]["dates"]["formats"] == ["DD/MM/YYYY"]


def test_dates_that_are_none_are_counted_with_examples():
    (seen,) = columns(["Born"], ["31.12.1899"], ["31.02.2000"], ["03.04.2021"], ["1899-12-30"])

    assert seen["dates"]["counts"] == {"of 1899": 2, "impossible": 1, "either": 1}
    assert seen["dates"]["examples"]["of 1899"] == ["31.12.1899", "1899-12-30"]


def test_birthday_without_years_is_for_nothing():
    assert propose(columns(["Email", "Birthday"], ["a@example.com", "04/12"])) == {"Email": "email"}


def test_mailchimp_is_known_by_its_columns(tmp_path):
    seen = looked(mailchimp_zip(tmp_path / "a.zip"))

    assert system_of([column["name"] for column in seen], "contacts").label == "Mailchimp"
    assert propose(seen) == {
        "Mailchimp status": "email_status",
        "Email Address": "email",
        "First Name": "first_name",
        "Last Name": "last_name",
        "CONFIRM_TIME": {"field": "agreed_at", "format": "YYYY-MM-DD HH:MM:SS"},
        "CONFIRM_IP": "agreed_ip",
        "TAGS": {"field": "tags", "separator": ","},
    }


def test_activecampaign_is_known_by_its_columns():
    seen = looked(SAMPLES / "activecampaign.csv")

    assert system_of([column["name"] for column in seen], "contacts").label == "ActiveCampaign"
    assert propose(seen) == {
        "Email": "email",
        "First Name": "first_name",
        "Last Name": "last_name",
        "Phone": "mobile_phone",
        "Account": "company_name",
        "Tags": {"field": "tags", "separator": ","},
    }


def test_hubspot_is_known_by_its_columns():
    seen = looked(SAMPLES / "hubspot.csv")

    assert system_of([column["name"] for column in seen], "contacts").label == "HubSpot"
    assert propose(seen) == {
        "First Name": "first_name",
        "Last Name": "last_name",
        "Email": "email",
        "Phone Number": "business_phone",
        "Mobile Phone Number": "mobile_phone",
        "Company Name": "company_name",
        "Postal Code": "zip",
        "Country/Region": "country",
        "Unsubscribed from all email": "email_status",
    }


def test_columns_of_activities_are_known():
    seen = columns(
        ["Email", "Event", "Timestamp", "Amount", "Color"],
        ["a@example.com", "purchase", "2024-05-06 07:08:09", "12", "red"],
    )

    assert propose(seen, kind="activities") == {
        "Email": "email",
        "Event": "type",
        "Timestamp": {"field": "time", "format": "YYYY-MM-DD HH:MM:SS"},
        "Amount": "value",
    }


def test_what_was_chosen_for_these_columns_counts_before_all():
    remembered = {"City": "notes", "Gone": "email", "": ["consent:news"]}

    assert propose(columns(["Email", "City"]), remembered=remembered) == {
        "City": "notes",
        "": ["consent:news"],
    }
