"""The commands import_contacts, import_activities and undo_import."""

import json
import os
import stat
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from activities.models import Activity
from contacts.models import Contact
from exchange.models import Import
from tests.factories import make_channel, make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _data(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"


def run(*arguments):
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return json.loads(out.getvalue())


def write(folder, text, name="people.csv"):
    file = folder / name
    file.write_text(text)
    return file


def test_import_contacts_prints_what_became_of_rows_and_undo_takes_it_back(tmp_path):
    file = write(tmp_path, "E-mail,Name\nann@example.com,Ann\nnobody,\n")
    mapping = write(tmp_path, '{"E-mail": "email", "Name": "first_name"}', "mapping.json")
    told = run("import_contacts", file, "--mapping", mapping)
    assert told.pop("seconds") >= 0
    rejects = told.pop("rejects_file")
    key = told.pop("import")
    assert told == {
        **{"rows": 2, "create": 1, "update": 0, "merge": 0, "unchanged": 0, "reject": 1}
    }
    assert stat.S_IMODE(os.stat(rejects).st_mode) == 0o600
    with open(rejects, encoding="utf-8", newline="") as lines:
        assert lines.read() == (
            "E-mail,Name,reason\r\nnobody,,E-mail is not an email address. Found: “nobody”.\r\n"
        )
    assert Contact.objects.get().first_name == "Ann"
    assert run("undo_import", key) == {"restored": 0, "removed": 1, "kept": {}}
    with pytest.raises(CommandError, match="Only what was imported"):
        run("undo_import", key)


def test_dry_run_changes_nothing_and_keeps_nothing(tmp_path):
    file = write(tmp_path, "email\nann@example.com\n")
    told = run("import_contacts", file, "--dry-run")
    assert (told["rows"], told["create"]) == (1, 1)
    assert not Contact.objects.exists()
    assert Import.objects.get().status == "cancelled"
    assert list((tmp_path / "data" / "imports").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "mapping", "problem"),
    [
        ("name\nAnn\n", None, "No column means email"),
        ("email\nann@example.com\n", '{"mail": "email"}', "The file has no column “mail”"),
        ("email\nann@example.com\n", "{", "is not JSON"),
        ("email,birthday\nann@example.com,3/4/1990\n", None, "“birthday” read two ways"),
        ("", None, "empty"),
    ],
)
def test_import_contacts_refuses_bad_input_in_a_line(tmp_path, text, mapping, problem):
    file = write(tmp_path, text)
    given = ["--mapping", write(tmp_path, mapping, "mapping.json")] if mapping else []
    with pytest.raises(CommandError, match=problem) as error:
        run("import_contacts", file, *given)
    assert "\n" not in str(error.value)


def test_commands_refuse_what_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        run("import_contacts", tmp_path / "nothing.csv")
    for key in ("4711", "x"):
        with pytest.raises(CommandError, match=f"There is no import {key}"):
            run("undo_import", key)


def test_import_activities_records_them_in_the_channel(tmp_path):
    make_contact(email="ann@example.com")
    channel = make_channel()
    file = write(tmp_path, "email,type,url\nann@example.com,pagevisit,https://a.example/\n")
    told = run("import_activities", file)
    assert (told["rows"], told["create"], told["reject"]) == (1, 1, 0)
    assert Activity.objects.get().channel == channel
    make_channel()
    with pytest.raises(CommandError, match="--channel"):
        run("import_activities", file)
    told = run("import_activities", file, "--channel", channel.code_name)
    assert (told["create"], told["unchanged"]) == (0, 1)
