"""What a person gets who asks for their data: everything of theirs, and nothing of others."""

import csv
import io

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext, isolate_apps

from contacts.keys import ContactKey, OnErase, OnMerge
from contacts.models import Contact
from contacts.telling import registered_tellings
from privacy.access.tables import all_tellings
from privacy.models import AccessFile
from tests.contacts.merged import merge
from tests.factories import make_activity, make_contact
from tests.privacy.person import EMAIL, MINE, OTHER_EMAIL, THEIRS, make_person, written

pytestmark = pytest.mark.django_db

TOLD = {
    *("contact", "changes", "agreements", "consent-texts", "kept-agreements", "activities"),
    *("data-inputs", "browsers", "identifiers", "emails", "email-events", "runs", "steps"),
    *("suppressed-addresses", "deliveries", "refused", "groups", "group-entries", "notes", "tags"),
    *("merges", "access-files", "requests"),
    "last-activities-that-were-deleted",
}


def test_a_file_has_everything_that_is_known_of_a_person(tmp_path):
    contact, _ = make_person()
    AccessFile.objects.create(contact=contact, kind="access")

    file, counts = written(contact, tmp_path)

    assert counts.keys() == TOLD
    nothing = {"kept-agreements", "last-activities-that-were-deleted", "requests"}
    assert {name for name, count in counts.items() if not count} == nothing
    assert set(file.texts) == {"data.json", "index.html", *(f"{name}.csv" for name in TOLD)}
    without_marker = {name for name in TOLD if MINE not in file.texts[f"{name}.csv"]}
    assert without_marker == {*nothing, "access-files", "merges"}
    assert file.rows("agreements")[0]["came_by"] == "API key App (ab…)"
    assert file.rows("consent-texts")[0]["short_text"] == f"<p>May we, {MINE}?</p>"
    assert [one["before"] for one in file.rows("changes")[-2:]] == [
        {"city": f"{MINE}ton"},
        {"city": ""},
    ]
    assert file.data["contact"] == {"guid": str(contact.guid), "guids": [str(contact.guid)]}


def test_every_table_is_told_in_words():
    assert [one.name for one in all_tellings()] == [one.name for one in registered_tellings()]


def test_nothing_of_another_person_is_in_it(tmp_path):
    contact, other = make_person()

    file, _ = written(contact, tmp_path)

    for secret in (THEIRS, THEIRS.lower(), OTHER_EMAIL, str(other.guid), other.guid.hex):
        assert {name for name, text in file.texts.items() if secret in text} == set()
    assert "nobody@example.org" not in file.texts["data.json"]
    assert [one["by"] for one in file.rows("notes")] == ["Data-protection officer"]
    assert file.rows("notes")[0]["text"] == (
        f"{MINE}. Knows [another person] and [another person]."
    )
    assert file.rows("merges")[0]["records"] == [str(contact.guid), "[another person]"]


def test_of_what_was_refused_only_their_own_part_is_told(tmp_path):
    contact, _ = make_person()

    file, _ = written(contact, tmp_path)

    friend, text, own, batch = file.rows("refused")
    assert batch["payload"] == {"events": [{"user": {"email": EMAIL}, "text": MINE}]}
    assert own["payload"]["type"] == MINE
    assert text["payload"] == "[left out: it names other people, too]"
    assert friend["payload"] == {"email": EMAIL, "to": f"{MINE} {EMAIL}"}
    assert friend["reason"] == "There is no contact [another person]."


def test_records_that_were_merged_into_them_are_theirs(tmp_path):
    survivor = make_contact(email=EMAIL)
    loser = make_contact(first_name=MINE, city=MINE)
    make_activity(loser, title=MINE)
    merge(survivor, loser)

    file, counts = written(survivor, tmp_path)

    assert file.data["contact"]["guids"] == sorted([str(survivor.guid), str(loser.guid)])
    assert counts["contact"] == 2
    assert file.rows("activities")[0]["reported_as"] == str(loser.guid)
    assert file.rows("merges")[0]["records"] == [str(survivor.guid), str(loser.guid)]


@isolate_apps("contacts")
def test_a_table_that_is_added_tomorrow_is_in_it_without_code(tmp_path):
    class Letter(models.Model):
        contact = ContactKey(
            Contact,
            on_merge=OnMerge.MOVE,
            on_erase=OnErase.DELETE,
            export=True,
            related_name="+",
        )
        witness = ContactKey(
            Contact,
            on_merge=OnMerge.MOVE,
            on_erase=OnErase.CLEAR,
            export=False,
            null=True,
            related_name="+",
        )
        text = models.TextField("what it says")
        api_token = models.TextField()

        class Meta:
            app_label = "contacts"
            verbose_name_plural = "letters from tomorrow"

    contact, other = make_contact(email=EMAIL), make_contact(email=OTHER_EMAIL)
    with connection.schema_editor() as editor:
        editor.create_model(Letter)
    Letter.objects.create(contact=contact, witness=other, text=MINE, api_token=THEIRS)
    Letter.objects.create(contact=other, text=THEIRS, api_token=THEIRS)

    tellings = all_tellings([Letter])
    file, counts = written(contact, tmp_path, tellings=tellings)

    assert counts["letters-from-tomorrow"] == 1
    assert file.rows("letters-from-tomorrow") == [{"text": MINE}]
    assert "What it says" in file.html
    assert THEIRS not in "".join(file.texts.values())


def test_a_file_takes_as_many_queries_for_few_rows_as_for_many(tmp_path):
    few, many = make_contact(), make_contact()
    for contact, count in ((few, 1), (many, 30)):
        for number in range(count):
            make_activity(contact, title=f"{number}", value=f"someone-{number}@example.com")

    asked = []
    for contact in (few, many):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            written(contact, tmp_path)
        asked.append(len(queries))

    assert asked[0] == asked[1]


def test_cells_are_no_formulas_and_the_page_runs_nothing(tmp_path):
    nasty = "<script>alert('x')</script><img src=x onerror=alert(1)>"
    contact = make_contact(email=EMAIL, first_name=nasty, mobile_phone="+49 1")
    make_activity(contact, title="=cmd|' /C calc'!A0", value="@SUM(1)", properties={nasty: nasty})

    file, _ = written(contact, tmp_path)

    (row,) = csv.DictReader(io.StringIO(file.texts["activities.csv"].lstrip("\ufeff")))
    assert row["title"] == "'=cmd|' /C calc'!A0"
    assert row["value"] == "'@SUM(1)"
    assert "<script" not in file.html
    assert "<img" not in file.html
    assert "&lt;script&gt;" in file.html
    assert "http" not in file.html.partition("</head>")[0].replace("http-equiv", "")


def test_a_file_for_another_service_has_what_they_provided_and_what_was_observed(tmp_path):
    contact, _ = make_person()

    file, counts = written(contact, tmp_path, AccessFile.Kind.PORTABILITY)

    assert counts.keys() == {
        *("contact", "changes", "agreements", "consent-texts", "activities", "data-inputs"),
        *("identifiers", "browsers", "email-events", "refused"),
    }
    assert "index.html" not in file.texts
    assert "Article 20" in file.texts["README.txt"]
    # A user wrote the city; nobody knows where the name is from, so it counts as theirs.
    assert {name: file.rows("contact")[0][name] for name in ("first_name", "city")} == {
        "first_name": MINE,
        "city": "",
    }
    assert file.rows("changes") == []
    assert THEIRS not in "".join(file.texts.values())
