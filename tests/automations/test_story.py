"""The whole way, on a real hub with a real mail server: an event comes, an email goes."""

import json
import time
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.config.hub import UP, Hub, wait_until
from tests.faults.mailbox import Mailbox

FILE = "https://www.example.com/downloads/file.pdf?for=emily&signature=a%2Bb"
CARTER = "emily.carter@example.com"
STATE = """
from automations.models import Email, Run
for model in (Run, Email):
    print(*model.objects.values_list("status", flat=True), end=" ")
"""


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory):
    with Mailbox(tmp_path_factory.mktemp("mail") / "received") as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def hub(homes, tmp_path_factory, mailbox):
    home = homes.copy(tmp_path_factory.mktemp("story") / "hub", demo=True)
    hub = Hub(home, "--demo", EMAIL_URL=mailbox.url)
    with hub.launched():
        wait_until(lambda: UP in hub.output, seconds=150)
        yield hub


def send_event(hub, **fields):
    """What a program sends in the ActiveCampaign format; the answer."""
    channel = json.loads(
        hub.shell(
            "import json; from channels.models import Channel; "
            "channel = Channel.objects.get(code_name='mobile-app'); "
            "print(json.dumps({'actid': channel.account_id, 'key': channel.event_key}))"
        )
    )
    form = {**channel, "event": "file download request", **fields}
    with urlopen(f"http://127.0.0.1:{hub.port}/event", urlencode(form).encode()) as answer:
        return time.monotonic(), json.load(answer)


def test_link_of_an_event_is_in_the_mailbox_within_seconds(hub, mailbox):
    sent_at, answer = send_event(hub, eventdata=FILE, visit=json.dumps({"email": CARTER}))
    (email,) = wait_until(mailbox.received)
    seconds = time.monotonic() - sent_at

    assert answer == {"success": 1, "message": "Event spawned"}
    assert email.recipient == CARTER
    assert FILE in email.text
    assert "Emily" in email.text
    # Two on a machine that has nothing else to do.
    assert seconds < 5
    wait_until(lambda: hub.shell(STATE) == "done sent")
    assert len(mailbox.received()) == 1
