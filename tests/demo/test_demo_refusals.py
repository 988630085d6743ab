from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from activities.models import ActivityType
from channels.models import Channel
from config.demo import loading
from contacts.models import Contact

pytestmark = pytest.mark.django_db


def load():
    output = StringIO()
    call_command("load_demo_data", stdout=output)
    return output.getvalue()


def test_demo_is_all_or_nothing(monkeypatch):
    def fail(contact_id):
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "apply_data_inputs_of", fail)

    with pytest.raises(KeyboardInterrupt):
        load()

    assert Contact.objects.count() == 0
    assert Channel.objects.count() == 0


def test_demo_stops_if_the_hub_refuses_what_it_should_take():
    ActivityType.objects.filter(code_name="click").update(enabled=False)

    with pytest.raises(CommandError, match="disabled_type"):
        load()

    assert Contact.objects.count() == 0


def test_demo_is_refused_in_production(settings):
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="login that everybody knows"):
        load()


def test_demo_does_nothing_while_the_hub_is_read_only(settings):
    settings.READ_ONLY = True

    assert load() == "The hub is read-only, so the demo data stays as it is.\n"
    assert Contact.objects.count() == 0
