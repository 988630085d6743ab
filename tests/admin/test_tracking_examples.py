"""The lines of “Settings, Tracking” that are pasted into a terminal."""

import json
import subprocess

import pytest
from django.contrib.auth.models import Permission, User

from tests.factories import make_channel, make_contact

pytestmark = pytest.mark.django_db

URL = "/admin/settings/tracking/"


def examples(page):
    return [one.example for card in page.context["cards"] for one in card.formats]


def arguments_of(example):
    """What a shell makes of a line that is to be pasted into it."""
    script = f'curl() {{ printf "%s\\n" "$@"; }}\n{example}'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_lines_to_paste_name_the_channel_and_this_hub(admin_client):
    channel = make_channel(event_key="it's-$HOME", source_key="a+b/c==")

    activecampaign, commandersact = map(arguments_of, examples(admin_client.get(URL)))

    assert "http://testserver/event" in activecampaign
    assert 'visit={"email": "EMAIL"}' in activecampaign
    assert f"actid={channel.account_id}" in activecampaign
    assert "key=it's-$HOME" in activecampaign
    assert f"http://testserver/events?tc_s={channel.site_id}&token=a%2Bb%2Fc%3D%3D" in commandersact


def test_the_lines_to_paste_have_the_newest_email_that_somebody_has(admin_client):
    make_channel()
    ada = make_contact(email="ada'@example.com")
    make_contact(email="merged@example.com", merged_into=ada)
    make_contact()

    activecampaign, commandersact = map(arguments_of, examples(admin_client.get(URL)))

    assert 'visit={"email": "ada\'@example.com"}' in activecampaign
    # This one has an agreement, which nobody gives by trying.
    assert json.loads(commandersact[-1])["user"]["email"] == "ada.lovelace@example.com"


def test_the_lines_to_paste_name_nobody_to_those_who_may_not_see_contacts(client):
    make_channel()
    make_contact(email="ada@example.com")
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_channel"))
    client.force_login(user)

    html = client.get(URL).text

    assert "visit={&quot;email&quot;: &quot;EMAIL&quot;}" in html
    assert "ada@example.com" not in html


def test_a_pasted_line_is_found_by_its_test_code(admin_client):
    make_channel()

    _, commandersact = map(arguments_of, examples(admin_client.get(URL)))

    assert json.loads(commandersact[-1])["context"]["test_code"] == "my-first-event"
