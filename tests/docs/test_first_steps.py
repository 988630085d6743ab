"""The requests that the documentation asks its readers to paste, pasted."""

import re
import subprocess
import sys

import pytest
from django.conf import settings

from tests.config.hub import Hub, clean_environment, wait_until

ARRIVED = """
from config.demo.crm import keeping
print(*(one.problem or "signed" for one in keeping.messages() if "TI-1060" in one.body))
"""
COUNT_EMAILS = """
from email import message_from_bytes, policy
from automations.models import OutboxMessage
messages = [
    message_from_bytes(bytes(raw), policy=policy.default)
    for raw in OutboxMessage.objects.filter(recipients="emily.carter@example.com").values_list(
        "raw", flat=True
    )
]
link = "https://www.example.com/downloads/file.pdf"
print(sum(link in message.get_body(("plain",)).get_content() for message in messages))
"""


@pytest.fixture(scope="module")
def hub(homes, tmp_path_factory):
    home = homes.copy(tmp_path_factory.mktemp("first-steps") / "hub", demo=True)
    with Hub(home, "--demo") as hub:
        yield hub


def paste(hub, page, *beginnings):
    """Run the page's blocks for a shell that begin with these words, one after the other."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    chosen = [next(one for one in blocks if one.startswith(words)) for words in beginnings]
    script = "\n".join(["set -e", *chosen])
    script = script.replace("http://localhost:8000", f"http://localhost:{hub.port}")
    script = script.replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=settings.BASE_DIR,
        env=clean_environment(hub.home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def titles(hub):
    """The newest titles of the activity log."""
    return hub.shell(
        "from activities.models import Activity; "
        "print(*Activity.objects.order_by('-id').values_list('title', flat=True)[:4], sep='\\n')"
    )


def test_readme(hub):
    line = next(line for line in hub.output.splitlines() if line.startswith("contact="))
    pasted = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)

    assert pasted.stdout == (
        '{"results":[{"status":202},{"status":202},{"status":202},{"status":202}]}\n'
    )
    assert "Page visit 'Home'" in titles(hub)


@pytest.mark.parametrize("page", ["README.md", "docs/automations.md"])
def test_event_becomes_an_email_with_its_link(hub, page):
    before = int(hub.shell(COUNT_EMAILS))

    assert paste(hub, settings.BASE_DIR / page, "HUB=").endswith('"Event spawned"}')

    wait_until(lambda: int(hub.shell(COUNT_EMAILS)) == before + 1)


def test_purchase_reaches_the_crm_of_the_demo(hub):
    paste(hub, settings.BASE_DIR / "docs" / "destinations.md", "HUB=")

    wait_until(lambda: "TI-1060" in hub.get("/demo/crm/")[1])
    assert hub.shell(ARRIVED) == "signed"


def test_readme_has_the_line_that_the_terminal_prints(hub):
    line = next(line for line in hub.output.splitlines() if line.startswith("contact="))
    line = re.sub(r"Bearer [^']+", "Bearer KEY", line)
    line = re.sub(r'"channel":"[^"]+', '"channel":"CHANNEL', line)
    line = line.replace(f":{hub.port}/", ":8000/")

    assert line in (settings.BASE_DIR / "README.md").read_text().splitlines()


def test_commanders_act(hub):
    page = settings.BASE_DIR / "docs" / "commanders-act.md"

    printed = paste(hub, page, "HUB=", "KEY=")

    assert printed.startswith("HTTP/1.1 200 OK")
    assert "Purchase 'TI-1043' 89.90 EUR" in titles(hub)
    assert re.search(r'"quality": \d+\.\d+, "weather": "[a-z]+"', printed)
    assert "TI-1043" in printed.partition("inspected-events")[2]


def test_activecampaign(hub):
    printed = paste(hub, settings.BASE_DIR / "docs" / "activecampaign.md", "HUB=")

    assert printed.startswith("HTTP/1.1 200 OK")
    assert printed.endswith('{"success":1,"message":"Event spawned"}')
    assert "file download request 'https://www.example.com/downloads/file.pdf'" in titles(hub)
