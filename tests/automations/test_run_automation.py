"""manage.py run_automation."""

import json

import pytest
from django.core.management import CommandError, call_command

from automations.models import Run
from tests.automations.entries import make_automation
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def test_a_run_begins_and_its_id_is_printed(capsys):
    make_automation(code_name="send-brochure")
    contact = make_contact()

    call_command("run_automation", "Send-Brochure", str(contact.guid))

    run = Run.objects.get(contact=contact, cause="code")
    assert json.loads(capsys.readouterr().out) == {"run": run.pk}


def test_bad_input_is_refused_in_one_line():
    off = make_automation(code_name="off", enabled=False)
    make_automation(code_name="welcome")
    guid = str(make_contact().guid)
    nobody = "0b5b5f0e-52a0-4d58-9f43-5f3b1d2d4c11"

    for code_name, given, said in [
        ("none", guid, "There is no automation “none”."),
        ("welcome", "ada", "“ada” is no GUID."),
        ("welcome", nobody, f"There is no contact with the GUID {nobody}."),
        (off.code_name, guid, "The contact does not enter: The automation is switched off."),
    ]:
        with pytest.raises(CommandError) as error:
            call_command("run_automation", code_name, given)
        assert str(error.value) == said
    assert not Run.objects.exists()
