"""From whom emails come."""

import pytest

from automations.checks import check_sender
from automations.emails.addresses import BadAddress, sender_of
from automations.models import Template


@pytest.mark.parametrize("address", ["a@b@c.com", "a,b@c.com", "Alder, Bank <a@c.com>", "", "a"])
def test_a_sender_that_is_no_address_is_told_and_checked(settings, address):
    settings.DEFAULT_FROM_EMAIL = address

    with pytest.raises(BadAddress):
        sender_of(Template())
    assert [one.id for one in check_sender(None)] == ["automations.E002"]


def test_a_sender_with_a_name_is_one(settings):
    settings.DEFAULT_FROM_EMAIL = '"Alder, Bank" <hub@alder.example>'

    assert sender_of(Template()) == '"Alder, Bank" <hub@alder.example>'
    assert check_sender(None) == []
