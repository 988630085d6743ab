"""An exported file of contacts comes in again, and changes nothing."""

from datetime import date

import pytest

from consents.agreements import record_agreement
from contacts.annotating import get_or_create_tag, tag_contacts
from contacts.changes import Origin, create_contact
from contacts.models import ContactChange
from exchange.exporting.files import file_of
from tests.exchange.exporting.exports import made
from tests.factories import make_consent, make_contact

add_file = pytest.importorskip("exchange.importing.files").add_file
Mapping = pytest.importorskip("exchange.importing.mapping").Mapping
acting = pytest.importorskip("exchange.importing.acting")
start_check, work_through = acting.start_check, acting.work_through

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_exported_file_changes_nothing_when_it_comes_in(marketer, settings, tmp_path, form):
    origin = Origin(ContactChange.Source.CODE)
    full = create_contact(
        {
            "email": "Ann@Example.com",
            "first_name": "=cmd|' /C calc'!A0",
            "last_name": "'=O'Hara, “A”",
            "birthday": date(1980, 2, 29),
            "mobile_phone": "+49 30 1234",
            "business_phone": "00123",
            "zip": "01067",
            "country": "USA",
            "state": "CA",
            "notes": "one\ntwo; “three”",
        },
        origin,
    )
    consent = make_consent("news")
    record_agreement(full, consent, agreed=True, language="en")
    record_agreement(make_contact(email="ben@example.com"), consent, agreed=False, language="en")
    tag_contacts([full.pk], get_or_create_tag("VIP"), by=None)
    make_contact(first_name="Anonymous")

    export = made(marketer, form=form)
    settings.DATA_DIR = tmp_path / "data"
    file = tmp_path / f"contacts.{form}"
    file.write_bytes(file_of(export).read_bytes())
    import_ = add_file(file)
    headers = [one["name"] for one in export.columns]
    start_check(import_, Mapping.by_names(headers, kind=import_.kind))
    work_through(import_)

    assert (import_.status, import_.errors, import_.warnings) == ("checked", [], [])
    assert import_.counts == {
        **{"rows": 3, "create": 0, "update": 0, "merge": 0},
        **{"unchanged": 3, "reject": 0},
    }
