"""The links of emails: their tokens, and what is counted of opens and clicks."""

import re
import uuid
from datetime import timedelta
from html import escape

import pytest
from django.db import OperationalError
from django.utils import timezone

from automations.admin.frames import without_doing
from automations.checks import check_public_url
from automations.emails import tracking
from automations.emails.links import BadToken, Purpose, email_of, links_for, read_token, token_of
from automations.models import EmailEvent
from consents.agreements import record_agreement
from tests.automations.mails import links_of, make_email, make_template
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (X11; Linux x64; rv:140.0) Gecko/20100101 Firefox/140.0"
TARGET = "https://shop.example.com/loans?a=1&b=ä#part"


@pytest.fixture
def consent():
    return make_consent()


@pytest.fixture
def email(consent):
    """An email whose opens and clicks may be counted."""
    contact = make_contact(email="anna@example.com")
    record_agreement(contact, consent, agreed=True)
    template = make_template(open_consent=consent, click_consent=consent)
    return make_email(contact, template=template)


@pytest.fixture
def browse(client):
    """Opens an address as a person's browser does, unless the headers say otherwise."""

    def browse(path, **headers):
        return client.get(path, headers={"User-Agent": BROWSER, **headers})

    return browse


def events():
    return list(EmailEvent.objects.order_by("id").values_list("kind", "detail", "by_robot"))


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_token_says_what_it_was_made_of(purpose):
    message = uuid.UUID(int=7)

    read = read_token(purpose, token_of(purpose, message, "ä?&/"))

    assert (read.message, read.detail) == (message, "ä?&/")


def test_a_token_is_good_for_one_purpose_only():
    token = token_of(Purpose.OPEN, uuid.UUID(int=7))

    with pytest.raises(BadToken):
        read_token(Purpose.UNSUBSCRIBE, token)


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_token_with_another_letter_is_refused(place):
    token = token_of(Purpose.CLICK, uuid.UUID(int=7), TARGET)
    letters = list(token)
    letters[place] = "A" if letters[place] != "A" else "E"

    with pytest.raises(BadToken):
        read_token(Purpose.CLICK, "".join(letters))


@pytest.mark.parametrize("token", ["", ".", "x", "a.b.c", "ä.ö", "AAAA.", "%00"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(BadToken):
        read_token(Purpose.CLICK, token)


def test_tokens_go_on_working_after_the_key_was_changed(settings):
    token = token_of(Purpose.UNSUBSCRIBE, uuid.UUID(int=7))

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]

    assert read_token(Purpose.UNSUBSCRIBE, token).message == uuid.UUID(int=7)


def test_links_lead_to_the_public_address(settings):
    settings.PUBLIC_URL = "https://hub.example.com"
    message_id = f"{uuid.UUID(int=7).hex}@example.com"

    links = links_for(message_id, make_template(consent=make_consent()), True, True)

    assert links.unsubscribe.startswith("https://hub.example.com/email/unsubscribe/")
    assert links.preferences.startswith("https://hub.example.com/email/preferences/")
    assert links.pixel.startswith("https://hub.example.com/email/o/")
    assert links.click(TARGET).startswith("https://hub.example.com/email/c/")
    assert links.confirm("X").startswith("https://hub.example.com/email/confirm/")


def test_a_transactional_email_has_nothing_to_unsubscribe_from():
    links = links_for(f"{uuid.uuid4().hex}@example.com", make_template(), False, False)

    assert links.unsubscribe == links.pixel == ""
    assert links.click is None


@pytest.mark.parametrize(
    "target", ["mailto:a@example.com", "tel:+431", "#top", "http://localhost:8000/email/x/y"]
)
def test_links_that_lead_to_no_website_of_others_stay_as_they_are(settings, target):
    settings.PUBLIC_URL = "http://localhost:8000"
    links = links_for(f"{uuid.uuid4().hex}@example.com", make_template(), True, True)

    assert links.click(target) == target


def test_the_email_is_found_by_its_token(email):
    token = read_token(Purpose.OPEN, links_of(email).pixel.split("/")[-1].removesuffix(".gif"))

    assert email_of(token) == email


def test_an_open_is_recorded(browse, email):
    response = browse(links_of(email).pixel)

    assert response["Content-Type"] == "image/gif"
    assert response.content.startswith(b"GIF89a")
    assert response["Cache-Control"] == "no-store"
    assert events() == [("opened", "", False)]


def test_a_click_is_recorded_and_leads_on(browse, email):
    response = browse(links_of(email).click(TARGET))

    assert response.status_code == 302
    assert response["Location"] == "https://shop.example.com/loans?a=1&b=%C3%A4#part"
    assert response["Referrer-Policy"] == "no-referrer"
    assert events() == [("clicked", TARGET, False)]


def test_a_click_belongs_to_the_survivor_of_a_merge(browse, email):
    survivor = make_contact(email="other@example.com")
    email.contact.merged_into = survivor
    email.contact.save()

    browse(links_of(email).click(TARGET))

    assert EmailEvent.objects.get().contact == survivor


def test_nothing_is_counted_of_a_contact_who_has_revoked_that(browse, email, consent):
    record_agreement(email.contact, consent, agreed=False)

    opened, clicked = browse(links_of(email).pixel), browse(links_of(email).click(TARGET))

    assert (opened.status_code, clicked.status_code) == (200, 302)
    assert events() == []


def test_nothing_is_counted_of_a_template_that_asks_for_no_consent(browse):
    email = make_email()

    browse(links_of(email).pixel)
    browse(links_of(email).click(TARGET))

    assert events() == []


def test_a_link_leads_on_although_its_email_was_erased(browse, email):
    links = links_of(email)
    path = links.click(TARGET)
    email.delete()

    assert browse(path).status_code == 302


def test_a_link_leads_on_while_the_database_is_away(browse, email, monkeypatch):
    def away(token):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(tracking, "email_of", away)

    assert browse(links_of(email).click(TARGET)).status_code == 302


@pytest.mark.parametrize("what", ["pixel", "click"])
def test_an_address_that_was_changed_leads_nowhere(browse, email, what):
    links = links_of(email)
    path = links.pixel if what == "pixel" else links.click(TARGET)
    middle = len(path) // 2
    changed = path[:middle] + ("A" if path[middle] != "A" else "B") + path[middle + 1 :]

    response = browse(changed)

    assert response.status_code == 404
    assert events() == []


def test_a_token_of_a_click_cannot_be_put_together(browse, email):
    mine = links_of(email).click("https://example.com/")
    content, signature = mine.rpartition("/")[2].split(".")

    assert (
        browse(f"/email/c/{content[:22]}aHR0cHM6Ly9ldmlsLmV4YW1wbGU.{signature}").status_code == 404
    )


def test_head_counts_nothing(client, email):
    path = links_of(email).click(TARGET)

    response = client.head(path, headers={"User-Agent": BROWSER})

    assert response.status_code == 302
    assert events() == []


def test_nothing_is_counted_while_the_hub_is_read_only(browse, email, settings):
    settings.READ_ONLY = True

    assert browse(links_of(email).click(TARGET)).status_code == 302
    assert events() == []


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "Mozilla/5.0",
        "Mozilla/5.0 (Windows NT 5.1) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/42.0 Safari/537.36 Edge/12.246 Mozilla/5.0",
        "Mozilla/5.0 (compatible; Barracuda Link Protect)",
        "Googlebot/2.1 (+http://www.google.com/bot.html)",
        "curl/8.0",
    ],
)
def test_programs_are_told_apart_by_what_they_call_themselves(browse, email, user_agent):
    browse(links_of(email).pixel, **{"User-Agent": user_agent})

    assert events() == [("opened", "", True)]


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"])
def test_what_a_browser_loads_ahead_is_no_click(browse, email, header):
    browse(links_of(email).click(TARGET), **{header: "prefetch;prerender"})

    assert events() == [("clicked", TARGET, True)]


def test_who_clicks_two_seconds_after_sending_is_a_program(browse, email):
    email.sent_at = timezone.now()
    email.save()

    browse(links_of(email).click(TARGET))

    assert events() == [("clicked", TARGET, True)]


def test_who_opens_before_the_mail_server_has_taken_it_is_a_program(browse, email):
    now = timezone.now()
    type(email).objects.update(status="handing_over", sent_at=None, handed_over_at=now)

    browse(links_of(email).pixel)

    assert events() == [("opened", "", True)]


def test_who_opens_an_uncertain_email_later_is_none(browse, email):
    type(email).objects.update(status="uncertain", sent_at=None, reason="Silent")

    browse(links_of(email).pixel)

    assert events() == [("opened", "", False)]


def test_who_clicks_one_link_after_the_other_at_once_is_a_program(browse, email):
    for number in range(3):
        browse(links_of(email).click(f"https://example.com/{number}"))

    assert [by_robot for _, _, by_robot in events()] == [False, True, True]


def test_the_same_again_within_an_hour_is_no_news(browse, email):
    browse(links_of(email).pixel)
    browse(links_of(email).pixel)
    assert len(events()) == 1
    EmailEvent.objects.update(at=timezone.now() - timedelta(hours=2))

    browse(links_of(email).pixel)

    assert len(events()) == 2


def test_a_post_to_a_link_is_not_allowed(client, email):
    assert client.post(links_of(email).click(TARGET)).status_code == 405


@pytest.mark.parametrize(
    ("address", "is_wrong"),
    [
        ("https://hub.example.com", False),
        ("http://hub.example.com:8000", False),
        ("https://elsewhere.example.com", True),
        ("hub.example.com", True),
        ("https://", True),
    ],
)
def test_an_address_where_the_hub_does_not_answer_is_warned_of(settings, address, is_wrong):
    settings.HUB_HOSTS, settings.PUBLIC_URL = ["hub.example.com"], address

    assert [one.id for one in check_public_url(None)] == ["automations.W001"] * is_wrong


@pytest.mark.parametrize(
    ("address", "is_wrong"),
    [
        ("https://hub.example.com", False),
        ("http://hub.example.com", True),
        ("https://localhost:8000", True),
        ("https://127.0.0.1", True),
        ("https://[::1]", True),
    ],
)
def test_in_production_links_lead_to_where_contacts_can_reach_the_hub(settings, address, is_wrong):
    settings.PRODUCTION = settings.HAS_MAIL_SERVER = True
    settings.HUB_HOSTS, settings.PUBLIC_URL = ["hub.example.com"], address

    assert [one.id for one in check_public_url(None)] == ["automations.E001"] * is_wrong


def test_who_looks_at_an_email_in_the_admin_neither_opens_nor_clicks_it(email):
    links = links_of(email)
    own = [links.unsubscribe or links.preferences, links.preferences, links.confirm("news")]
    anchors = "".join(f'<a href="{url}">Link</a>' for url in [links.click(TARGET), *own])
    foreign = '<a href="https://shop.example.com/email/c/x">Link</a>'
    pixel = f'<img src="{links.pixel}" width="1" height="1" alt="">'

    seen = without_doing(f"<html><head></head>{anchors}{foreign}{pixel}</html>")

    assert "<img" not in seen
    assert re.findall(r' href="([^"]*)"', seen) == [
        escape(TARGET),
        "https://shop.example.com/email/c/x",
    ]
    assert seen.count("A page of the contact alone") == 3
