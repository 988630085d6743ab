"""A real browser, real HTTPS on several domains, the hub and a worker."""

import itertools
import json
import os
import shutil

import pytest
from celery import signals
from celery.contrib.testing.worker import start_worker
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from activities.models import Activity
from channels.models import Channel
from config import celery_app
from crosssite.models import TrackedSite
from jobs.declaring import queues
from tests.browser.links import PATIENT
from tests.browser.pages import BLOG, MAIN, SHOP, SUBDOMAIN, TELL, external_page, main_page
from tests.browser.waiting import wait_for, wait_until
from tests.browser.websites import Websites
from tests.factories import make_activity_type, make_consent

# A busy machine is slow, and nothing that is there is waited for.
MILLISECONDS = 60_000
TELL_VIOLATIONS = """
    document.addEventListener('securitypolicyviolation', event => {
        console.error(`violation of ${event.violatedDirective}: ${event.blockedURI}`);
    });
"""

# Playwright runs an event loop in this thread; Django would take every query for a mistake.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
]
# What a profile says of cookies; the second is the browser's default.
ALLOWED, BLOCKED = "third-party-cookies-allowed", "third-party-cookies-blocked"
NO_COOKIES = "all-cookies-blocked"
DO_NOT_TRACK = "do-not-track"
# Pages that are left are kept, as browsers without Playwright do.
KEEPING_PAGES = "pages-are-kept"
# Where a test turns the clock: Playwright keeps it turned for all pages that come after.
TURNED_CLOCK = "clock-is-turned"
PREFERENCES = {
    ALLOWED: {"profile": {"cookie_controls_mode": 0}},
    BLOCKED: {"profile": {"cookie_controls_mode": 1}},
    NO_COOKIES: {"profile": {"default_content_setting_values": {"cookies": 2}}},
    DO_NOT_TRACK: {"enable_do_not_track": True},
    KEEPING_PAGES: {},
    TURNED_CLOCK: {},
}


@pytest.fixture(scope="session")
def playwright(django_db_setup):
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as running:
        yield running
        connection.close()


@pytest.fixture(scope="session")
def serving():
    serving = Websites()
    yield serving
    serving.close()


@pytest.fixture
def websites(serving):
    yield serving
    serving.forget()


@pytest.fixture(scope="session")
def browsers(playwright, serving, tmp_path_factory):
    """Browsers, each with a profile of its own, by their preferences and a number."""
    running = {}

    def get(preferences, number):
        if (preferences, number) not in running:
            profile = tmp_path_factory.mktemp(preferences)
            (profile / "Default").mkdir()
            content = json.dumps(PREFERENCES[preferences])
            (profile / "Default" / "Preferences").write_text(content)
            keeps_pages = preferences == KEEPING_PAGES
            context = playwright.chromium.launch_persistent_context(
                profile,
                executable_path=CHROMIUM,
                ignore_default_args=["--disable-back-forward-cache"] if keeps_pages else None,
                args=[*ARGUMENTS, f"--host-resolver-rules=MAP * 127.0.0.1:{serving.port}"],
                ignore_https_errors=True,
            )
            context.set_default_timeout(MILLISECONDS)
            context.add_init_script(PATIENT)
            running[preferences, number] = context
        return running[preferences, number]

    yield get
    for context in running.values():
        context.close()


@pytest.fixture
def open_browser(browsers, websites):
    """Gives a browser that nothing has used yet; third-party cookies as its default has them."""
    numbers = itertools.count()
    opened = []

    def open_it(preferences=BLOCKED):
        context = browsers(preferences, next(numbers))
        # Not at the end of the test before: what its page sent last may be answered with some then.
        context.clear_cookies()
        opened.append(context)
        return context

    yield open_it
    # What pages send while they are left is of no test any more.
    websites.hubs.clear()
    for context in opened:
        # The last page stays: without one, the browser ends.
        blank, *others = context.pages or [context.new_page()]
        for page in others:
            page.close()
        blank.goto("about:blank")
        context.set_extra_http_headers({})
    websites.wait_until_idle()


# Not for the whole session: other tests do not expect a worker.
@pytest.fixture(scope="module")
def running_worker(django_db_setup, django_db_blocker):
    tasks = {"sent": 0, "done": 0}

    def count_sent(**kwargs):
        tasks["sent"] += 1

    def count_done(**kwargs):
        tasks["done"] += 1

    signals.after_task_publish.connect(count_sent)
    signals.task_postrun.connect(count_done)
    celery_app.conf.broker_transport_options = {"polling_interval": 0.02}
    with (
        django_db_blocker.unblock(),
        start_worker(
            celery_app,
            pool="threads",
            concurrency=2,
            perform_ping_check=False,
            queues=queues(),
        ),
    ):
        yield tasks
    signals.after_task_publish.disconnect(count_sent)
    signals.task_postrun.disconnect(count_done)


@pytest.fixture
def worker(transactional_db, running_worker, open_browser):
    """A Celery worker that carries out merges and data input, as in production."""
    running_worker.update(sent=0, done=0)
    yield
    wait_until(lambda: running_worker["done"] >= running_worker["sent"])


@pytest.fixture
def channel():
    """The main site, with a tracking consent."""
    make_activity_type("custom_cta", name="Call to action")
    return Channel.objects.create(
        code_name="main",
        name="Main",
        kind="website",
        domain=MAIN,
        tracking_consent=make_consent(),
    )


@pytest.fixture
def sites(channel, websites):
    """The main site and three tracked sites, each with a page that links to its partner."""
    websites.hubs.add(MAIN)
    links = "".join(
        f'<a id="{host.partition(".")[0]}" href="https://{host}/">{host}</a> '
        for host in (SHOP, BLOG, SUBDOMAIN)
    )
    websites.pages[MAIN, "/"] = main_page("Welcome", links)
    for host in (SHOP, BLOG, SUBDOMAIN):
        TrackedSite.objects.create(
            name=host, code_name=host.replace(".", "-"), url=f"https://{host}", channel=channel
        )
        websites.pages[host, "/"] = external_page(
            f"Home of {host}", f'<a id="main" href="https://{MAIN}/">Main</a>'
        )
    return channel


@pytest.fixture
def free_sites(sites):
    """The same, with no consent to ask for."""
    sites.tracking_consent = None
    sites.save()
    return sites


def note_problem(message, problems):
    # The preview of an email runs no scripts, and htmx tells of requests that it gives up.
    is_expected = message.text.startswith(("Blocked script execution in 'about:", "htmx:"))
    if message.type in ("error", "warning") and not is_expected:
        problems.append(message.text)


@pytest.fixture
def open_admin(sites, open_browser):
    """Opens a page for a user of the admin; the test fails for `problems` that the browser told."""
    opened = []

    def open_it(user, preferences=BLOCKED):
        client = Client()
        client.force_login(user)
        context = open_browser(preferences)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
        context.add_cookies([{**cookie, "url": f"https://{MAIN}/"}])
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: note_problem(message, page.problems))
        page.add_init_script(TELL_VIOLATIONS)
        opened.append(page)
        return page

    yield open_it
    assert [page.problems for page in opened if page.problems] == []


@pytest.fixture
def admin_page(open_admin):
    """A page in the browser of a superuser."""
    return open_admin(User.objects.create_superuser("chief"))


@pytest.fixture
def open_page(sites, open_browser, websites):
    """Opens a page of the shop with a script of its own."""

    def open_it(script="", body="", preferences=BLOCKED, title="A page", name="kxt"):
        websites.pages[SHOP, "/a"] = external_page(title, body, script=TELL + script, name=name)
        page = open_browser(preferences).new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"https://{SHOP}/a")
        wait_for(page, f"{name} && !Array.isArray({name}.q)")
        return page

    return open_it


@pytest.fixture
def tracking(free_sites):
    """No consent stands in the way."""


@pytest.fixture
def shop(sites, open_browser, worker):
    """A page of the shop whose visitor has agreed."""
    page = open_browser(BLOCKED).new_page()
    page.goto(f"https://{SHOP}/")
    page.wait_for_selector("[data-agreed=false]")
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    wait_until(lambda: Activity.objects.count() == 1)
    return page
