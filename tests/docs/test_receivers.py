"""The receivers of docs/destinations.md, as they stand there, run with the official libraries."""

import asyncio
import base64
import fcntl
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from destinations.http import Client
from destinations.kinds import kind_of
from destinations.models import Delivery, Destination
from destinations.outcomes import Result
from tests.config.hub import clean_environment, free_port, wait_until

PAGE = settings.BASE_DIR / "docs" / "destinations.md"
NODE_FILES = Path(__file__).with_name("receivers")
NODE = settings.BASE_DIR / ".data" / "node"

GUID = "0b2e8c1e-3c1c-5f5e-9d0a-4c8f0e2b7a11"


@pytest.fixture(autouse=True)
def receivers_are_here(settings):
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def block_of(language):
    """The receiver in this language, to the letter."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return found


def install_libraries():
    """The libraries of the receiver in JavaScript, by the hashes of its lock file."""
    NODE.mkdir(parents=True, exist_ok=True)
    with (NODE / "installing").open("w") as held:
        # Another process of tests that installs them has only some of them so far.
        fcntl.flock(held, fcntl.LOCK_EX)
        _install_libraries()


def _install_libraries():
    lock = (NODE_FILES / "package-lock.json").read_bytes()
    installed = NODE / "package-lock.json"
    if (NODE / "node_modules").exists() and installed.exists() and installed.read_bytes() == lock:
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE_FILES / name, NODE / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=False)
    if done.returncode:
        installed.unlink()
        pytest.skip(f"npm cannot fetch standardwebhooks: {done.stderr.strip()[-300:]}")


@pytest.fixture(params=["python", "js"])
def command(request, tmp_path):
    """What runs a receiver."""
    if request.param == "python":
        (tmp_path / "receiver.py").write_text(block_of("python"))
        return [sys.executable, "receiver.py"]
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node.js and npm are missing.")
    install_libraries()
    (tmp_path / "receiver.mjs").write_text(block_of("js"))
    (tmp_path / "node_modules").symlink_to(NODE / "node_modules")
    return ["node", "receiver.mjs"]


class Receiver:
    """A running receiver, and the lines that it has printed."""

    def __init__(self, folder, port):
        self.url = f"http://127.0.0.1:{port}/hook"
        self._log = folder / "receiver.log"

    @property
    def lines(self):
        return self._log.read_text().splitlines()


@contextmanager
def receiving(command, folder, secret):
    """A receiver that knows this secret."""
    port = free_port()
    environment = clean_environment(folder, PORT=str(port), WEBHOOK_SECRET=secret)
    errors = folder / "errors.log"
    with (folder / "receiver.log").open("wb") as log, errors.open("wb") as error_log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=error_log
        )
        try:
            wait_until(lambda: answers(port) or process.poll() is not None)
            assert process.poll() is None, errors.read_text()
            yield Receiver(folder, port)
        finally:
            process.kill()
            process.wait()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def secret_of(byte):
    return f"whsec_{base64.b64encode(bytes([byte]) * 32).decode()}"


def make_destination(url, secret, **fields):
    return Destination(pk=1, name="CRM", code_name="crm", url=url, secret=secret, **fields)


def make_delivery(destination, title="Grüße € 🎉"):
    return Delivery(
        pk=1,
        destination=destination,
        message_id=uuid4(),
        kind=Delivery.Kind.ACTIVITY,
        payload={"type": "activity", "contact": {"guid": GUID}, "data": {"title": title}},
        occurred_at=timezone.now(),
    )


def deliver(delivery):
    async def go():
        async with Client() as client:
            kind = kind_of(delivery.destination)
            return (await kind.deliver(delivery.destination, [delivery], client))[0]

    return asyncio.run(go())


def test_receiver_of_the_documentation_takes_each_message_once(command, tmp_path):
    with receiving(command, tmp_path, secret_of(1)) as receiver:
        destination = make_destination(receiver.url, secret_of(1))
        first, second = make_delivery(destination), make_delivery(destination)

        outcomes = [deliver(one) for one in (first, first, second)]

        assert {(one.result, one.status) for one in outcomes} == {(Result.DELIVERED, 204)}
        assert receiver.lines == [f"activity {GUID}"] * 2


def test_receiver_of_the_documentation_refuses_another_secret(command, tmp_path):
    with receiving(command, tmp_path, secret_of(1)) as receiver:
        outcome = deliver(make_delivery(make_destination(receiver.url, secret_of(2))))

        assert (outcome.result, outcome.status) == (Result.FAILED, 401)
        assert receiver.lines == []


def test_receiver_of_the_documentation_knows_either_secret_in_a_rotation(command, tmp_path):
    until = timezone.now() + timedelta(hours=1)
    for known in (1, 2):
        with receiving(command, tmp_path, secret_of(known)) as receiver:
            destination = make_destination(
                receiver.url,
                secret_of(2),
                earlier_secret=secret_of(1),
                earlier_secret_until=until,
            )
            assert deliver(make_delivery(destination)).result is Result.DELIVERED

            destination.earlier_secret_until = timezone.now() - timedelta(seconds=1)
            is_new = known == 2
            assert (deliver(make_delivery(destination)).status == 204) == is_new


@pytest.mark.parametrize("signature", ["", "nonsense", "v1,", "v1,a", "v2,QQ=="])
def test_receiver_of_the_documentation_refuses_what_is_no_signature(command, tmp_path, signature):
    with receiving(command, tmp_path, secret_of(1)) as receiver:
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(time.time())),
            "webhook-signature": signature,
        }
        request = urllib.request.Request(receiver.url, b"{}", headers, method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)

        refused.value.close()
        assert refused.value.code == 401
        assert receiver.lines == []
