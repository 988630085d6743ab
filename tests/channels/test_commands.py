import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from channels.models import ApiKey
from tests.channels.keys import find_api_key
from tests.factories import make_channel

pytestmark = pytest.mark.django_db


def run(*arguments, **options):
    output = StringIO()
    call_command(*arguments, stdout=output, **options)
    return output.getvalue()


def test_create_api_key_prints_a_working_key_and_nothing_else():
    channel = make_channel(code_name="mobile-app")

    output = run("create_api_key", "mobile-app")

    key = find_api_key(output.removesuffix("\n"), access="tracking")
    assert key.channel == channel
    assert key.name == "Created on the command line"


def test_create_api_key_takes_access_and_name():
    make_channel(code_name="mobile-app")

    output = run("create_api_key", "mobile-app", "--access", "activecampaign", "--name", "Shop")

    assert find_api_key(output.strip(), access="tracking") is None
    assert find_api_key(output.strip(), access="activecampaign").name == "Shop"


def test_create_api_key_refuses_an_unknown_access_type():
    make_channel(code_name="mobile-app")

    with pytest.raises(CommandError, match="invalid choice: 'all'"):
        run("create_api_key", "mobile-app", "--access", "all")

    assert ApiKey.objects.count() == 0


def test_create_api_key_of_an_unknown_channel_names_the_known_ones():
    make_channel(code_name="mobile-app")
    make_channel(code_name="kiosk")

    with pytest.raises(CommandError, match=r"no channel “app”\. Channels: kiosk, mobile-app\."):
        run("create_api_key", "app")


def test_commands_about_a_channel_without_any_channel_say_where_to_create_one():
    with pytest.raises(CommandError, match="Create one in the admin first"):
        run("create_api_key", "mobile-app")


def test_channel_info_prints_the_identifiers_as_json():
    channel = make_channel(code_name="mobile-app")

    assert json.loads(run("channel_info", "Mobile-App")) == {
        "guid": str(channel.guid),
        "account_id": channel.account_id,
        "event_key": channel.event_key,
        "site_id": channel.site_id,
        "source_key": channel.source_key,
    }


def test_channel_info_of_an_unknown_channel_names_the_known_ones():
    make_channel(code_name="kiosk")

    with pytest.raises(CommandError, match=r"Channels: kiosk\."):
        run("channel_info", "mobile-app")


@pytest.mark.parametrize("command", ["channel_info", "create_api_key"])
def test_database_of_no_hub_is_told(command):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE channels_channel RENAME TO elsewhere")

    with pytest.raises(CommandError, match="DATA_DIR"):
        run(command, "mobile-app")
