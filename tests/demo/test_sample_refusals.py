from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from contacts.models import Contact

pytestmark = pytest.mark.django_db


def make(*arguments):
    output = StringIO()
    call_command("make_sample_data", *arguments, stdout=output)
    return output.getvalue()


def test_sample_is_not_made_in_production(settings):
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="not made in production"):
        make("--contacts=1", "--activities=1")

    assert not Contact.objects.exists()


def test_sample_is_not_made_while_the_hub_is_read_only(settings):
    settings.READ_ONLY = True

    with pytest.raises(CommandError, match="read-only"):
        make("--contacts=1", "--activities=1")

    assert not Contact.objects.exists()


def test_numbers_can_be_written_as_people_do():
    assert make("--contacts=1,000", "--activities=0") == "Made 1,000 contacts and 0 activities.\n"


@pytest.mark.parametrize("number", ["many", "-1", "1.5"])
def test_what_is_no_number_is_refused(number):
    with pytest.raises(CommandError, match="is not a number of rows"):
        make(f"--contacts={number}")
