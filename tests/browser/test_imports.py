"""A marketer imports a file of others, sees beforehand what will happen, and undoes it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import expect

from adminsite.roles import give_roles
from contacts.models import Contact
from exchange.importing.acting import work_through
from exchange.models import Import
from tests.browser.conftest import ARGUMENTS, CHROMIUM, MILLISECONDS
from tests.exchange.importing.files import GERMAN
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def page(playwright, live_server, settings, tmp_path):
    """A page of a marketer on a phone, in the dark; the browser notes what goes wrong."""
    settings.DATA_DIR = tmp_path
    client, user = Client(), User.objects.create(username="marketer", is_staff=True)
    give_roles(user, ["marketer"])
    client.force_login(user)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    context = browser.new_context(
        base_url=live_server.url,
        color_scheme="dark",
        viewport={"width": 390, "height": 844},
    )
    context.add_cookies([{**session, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(MILLISECONDS)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(f"{page.url}: {error.stack}"))
    page.on("console", lambda said: said.type == "error" and page.problems.append(said.text))
    yield page
    browser.close()


def faults(page):
    """What axe finds on the page, and whether it is wider than the window."""
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return {one["id"]: [node["html"][:200] for node in one["nodes"][:3]] for one in found}, wide


def work():
    """What a worker does meanwhile."""
    work_through(Import.objects.get())


def test_file_of_others_is_imported_and_undone_by_keyboard(page):
    make_consent("news", name="Newsletter")
    known = make_contact(email="Anna@example.de", first_name="Anne", last_name="Möller")

    page.goto("/admin/exchange/import/")
    page.get_by_role("link", name="Import a file").first.press("Enter")
    page.get_by_label("File", exact=True).set_input_files(GERMAN)
    assert faults(page) == ({}, False)
    page.get_by_role("button", name="Upload").press("Enter")

    expect(page.get_by_text("Read as: Windows-1252, semicolons.")).to_be_visible()
    expect(page.get_by_label("E-Mail")).to_have_value("email")
    expect(page.get_by_label("Umsatz")).to_have_value("")
    expect(page.get_by_text("1 is of 1899 or before, such as “31.12.1899”")).to_be_visible()
    assert faults(page) == ({}, False)
    page.get_by_role("button", name="See what will happen").press("Enter")
    expect(page.get_by_text("Choose in which order day and month are written.")).to_be_visible()
    page.get_by_label("How its dates are written").select_option("DD.MM.YYYY")
    page.get_by_label("Newsletter").check()
    page.get_by_role("button", name="See what will happen").press("Enter")

    expect(page.get_by_text("Checking the file …")).to_be_visible()
    work()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    assert faults(page) == ({}, False)
    assert Contact.objects.count() == 1
    page.get_by_role("button", name="Import").press("Enter")
    expect(page.get_by_text("Importing …")).to_be_visible()
    work()

    expect(page.get_by_role("heading", name="What has become of the rows")).to_be_visible()
    assert faults(page) == ({}, False)
    juergen = Contact.objects.get(email="juergen@example.de")
    assert (juergen.zip, juergen.birthday.isoformat()) == ("01234", "1980-04-03")
    assert juergen.notes == "=cmd()|' /C calc'!A0"
    known.refresh_from_db()
    assert known.first_name == "Änne"
    page.get_by_role("link", name="The contacts of this import").press("Enter")
    expect(page.get_by_text("juergen@example.de").first).to_be_visible()

    page.go_back()
    page.get_by_role("link", name="Undo …").press("Enter")
    assert faults(page) == ({}, False)
    page.get_by_role("button", name="Undo the import").press("Enter")
    work()

    expect(page.get_by_text("The undo has restored")).to_be_visible()
    known.refresh_from_db()
    assert (known.first_name, Contact.objects.count()) == ("Anne", 1)
    assert page.problems == []


def test_file_that_is_too_large_is_told_before_it_is_sent(page, settings, tmp_path):
    settings.IMPORT_MAX_MB = 1
    large = tmp_path / "large.csv"
    large.write_bytes(b"email\n" + b"a@example.com\n" * 80_000)
    sent = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))

    page.goto("/admin/exchange/import/upload/")
    page.get_by_label("File", exact=True).set_input_files(large)
    expect(page.get_by_role("alert")).to_contain_text("The file is larger than 1 MB")
    page.get_by_role("button", name="Upload").click()

    expect(page.get_by_role("button", name="Upload")).to_be_enabled()
    assert sent == []
