"""Redis stands still, or is gone: who is answered does not notice, and work goes on after it."""

import http.client
import json
import shutil
import time

import pytest

from config.demo import data
from tests.config.hub import Hub, ready_state, wait_until
from tests.faults.brokers import Redis
from tests.faults.load import Load, waiting_forms

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="there is no redis-server")

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "
    "Safari/537.36"
)


@pytest.fixture(scope="module")
def redis():
    with Redis() as redis:
        yield redis


@pytest.fixture(scope="module")
def hub(redis, homes, tmp_path_factory):
    home = homes.copy(tmp_path_factory.mktemp("redis") / "hub", demo=True)
    # Sweeps that come too late to be what does the work.
    with Hub(home, "--demo", WEB_PROCESSES="1", REDIS_URL=redis.url, SWEEP_SECONDS="60") as hub:
        yield hub


@pytest.fixture(scope="module")
def load(hub):
    return Load(hub)


@pytest.fixture(params=[Redis.stand_still, Redis.be_gone])
def fault(request, redis):
    yield lambda: request.param(redis)
    redis.go_on()


class Visitor:
    """A browser that is new on a tracked site of the demo."""

    def __init__(self, hub):
        self._hub, self._cookies = hub, {}
        self._origin = f"http://{next(iter(data.TRACKED_SITES.values())).host}:{hub.port}"

    def send(self, command, **content):
        answer = self._send(command, content)
        if answer.get("cookieTest"):
            answer = self._send(command, {**content, "cookieTest": True})
        return answer

    def _send(self, command, content):
        headers = {
            "Host": f"{data.SITE_HOST}:{self._hub.port}",
            "Origin": self._origin,
            "User-Agent": CHROME,
            "Content-Type": "text/plain",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        status, answer = request(
            self._hub, "POST", f"/Kentico.CrossSiteTracking/{command}", content, headers
        )
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self._cookies.update([value.partition(";")[0].split("=", 1)])
        assert status in (200, 204), answer.body
        return json.loads(answer.body or b"{}")


def request(hub, method, path, content, headers):
    """The status and the answer, which has its body; it is there within a second."""
    started_at = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=15)
    connection.request(method, path, json.dumps(content), headers)
    answer = connection.getresponse()
    answer.body = answer.read()
    connection.close()
    assert time.monotonic() - started_at < 1
    return answer.status, answer


def submit_form(load, hub):
    activity = {"type": "datainput", "value": "Form", "contactFields": {"ContactZIP": "8010"}}
    content = {"channel": load.channel, "contact": load.contacts[0], "activities": [activity]}
    status, answer = request(hub, "POST", "/Kentico.Tracking/activities", content, load.headers)
    assert (status, json.loads(answer.body)) == (207, {"results": [{"status": 202}]})


def agree_as_a_new_browser(hub):
    visitor = Visitor(hub)
    visitor.send("ConsentAgree", codeName="TrackingConsent")
    assert visitor.send("ConsentStatus", codeName="TrackingConsent")["isAgreed"] is True


def test_nobody_who_is_answered_waits_for_redis(hub, redis, load, fault):
    agree_as_a_new_browser(hub)
    submit_form(load, hub)
    wait_until(lambda: not waiting_forms(hub.home))

    fault()

    for _ in range(20):
        submit_form(load, hub)
        agree_as_a_new_browser(hub)
    assert waiting_forms(hub.home)
    started_at = time.monotonic()
    assert "does not answer" in ready_state(hub)["broker"]
    assert time.monotonic() - started_at < 4
    started_at = time.monotonic()
    assert hub.get("/health/live") == (200, '{"status":"ok"}')
    assert time.monotonic() - started_at < 1


def test_work_goes_on_when_redis_is_back(hub, redis, load, fault):
    fault()
    submit_form(load, hub)

    redis.go_on()
    # The bell is silent for a moment after a failure; the worker has to come back as well.
    wait_until(lambda: ready_state(hub)["broker"] == "ok")
    time.sleep(3)
    submit_form(load, hub)

    wait_until(lambda: not waiting_forms(hub.home), seconds=30)
    wait_until(hub.is_ready, seconds=60)


def test_outage_of_the_broker_is_one_line_of_the_log(hub, redis, load, fault):
    # Nothing is left of the outage before.
    time.sleep(3)
    submit_form(load, hub)
    wait_until(lambda: not waiting_forms(hub.home), seconds=30)
    length = len(hub.output)

    fault()
    for _ in range(20):
        submit_form(load, hub)
        time.sleep(0.2)

    lines = [line for line in hub.output[length:].splitlines() if line.startswith("web: ")]
    assert len(lines) == 1
    assert "The broker takes no messages" in lines[0]
