"""What each door refused is let in later, as the door reads it."""

import json

import pytest

from activities.models import Activity, RejectedActivity
from activities.problems import InvalidActivity
from activities.reading_again import why_not
from activities.recording import log_custom_activity
from activities.replaying import check_again
from contacts.models import Contact
from crosssite.models import TrackedSite
from tests.crosssite.browsers import SHOP, Browser
from tests.factories import make_activity_type, make_channel, make_consent, make_contact
from tests.wire.activecampaign import EMAIL, Account, multipart
from tests.wire.app import App
from tests.wire.replays import NAME, age, replay
from tests.wire.source import BROWSER, EventSource, event, query_of

pytestmark = pytest.mark.django_db


# The other formats


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(lambda account, form: account.post(form), id="body"),
        pytest.param(
            lambda account, form: account.post(
                multipart(form), content_type="multipart/form-data; boundary=BoUnDaRyStRiNg"
            ),
            id="multipart",
        ),
        pytest.param(
            lambda account, form: account.post(
                {"event": form.pop("event")}, query="&".join(f"{a}={b}" for a, b in form.items())
            ),
            id="query-and-body",
        ),
    ],
)
def test_activecampaign_event_of_a_contact_who_exists_by_now(send):
    account = Account()
    send(account, account.form(eventdata="€ 5"))
    line = RejectedActivity.objects.get()
    assert (line.code, why_not(line)) == ("unknown_contact", "")
    assert account.channel.event_key.encode() not in bytes(line.payload)
    at, contact = age(), make_contact(email=EMAIL)

    replay()

    activity = Activity.objects.get()
    assert (activity.contact, activity.occurred_at) == (contact, at)
    assert (activity.type.code_name, activity.value) == ("file download request", "€ 5")


def test_activecampaign_events_of_new_names_make_their_types_once_they_may():
    account = Account(accepts_new_event_names=False)
    make_contact(email=EMAIL)
    account.post(account.form())
    line = RejectedActivity.objects.get()
    assert (line.code, line.named) == ("new_event_name", "file download request")
    assert check_again([line]).would_pass == 0

    account.channel.accepts_new_event_names = True
    account.channel.save()

    line = RejectedActivity.objects.select_related("channel").get()
    assert check_again([line]).would_pass == 1
    replay()
    assert Activity.objects.get().type.door == "activecampaign"


def test_page_visit_is_replayed_as_one_and_never_as_an_event_that_needs_a_key():
    account = Account()
    query = f"actid={account.channel.account_id}&event=forged&visit[email]={EMAIL}"
    account.http.get(f"/visit?{query}&e={EMAIL}&u=https%3A%2F%2Fexample.com%2F")
    assert RejectedActivity.objects.get().code == "unknown_contact"
    make_contact(email=EMAIL)

    replay()

    assert Activity.objects.get().type.code_name == "pagevisit"


def test_event_with_a_wrong_key_is_not_replayed():
    account = Account()
    account.post(account.form(key="wrong"))

    line = RejectedActivity.objects.get()
    assert (line.code, line.channel) == ("wrong_key", account.channel)
    assert why_not(line) == "Only single activities of senders with a valid key can be read again."


def test_commandersact_events_of_a_source_that_was_disabled():
    source = EventSource(source_enabled=False)
    source.post(event(user={"email": EMAIL}))
    source.post_batch(event("a"), event("b", user={"consistent_anonymous_id": "browser-2"}), 7)
    source.http.get(f"/events?{query_of(source, event_name='pixel')}&user[id]=7")
    source.channel.source_enabled = True
    source.channel.save()

    found = replay()

    assert (found.recorded, found.total) == (3, 3)
    names = Activity.objects.order_by("pk").values_list("type__code_name", flat=True)
    assert list(names) == ["purchase", "a", "b", "pixel"]
    assert Contact.objects.filter(email=EMAIL).exists()
    assert (
        "1 of its 3 activities"
        in RejectedActivity.objects.get(replay_code="no_event").replay_reason
    )


def test_commandersact_event_of_a_browser_whose_cookie_was_not_kept_says_so():
    source = EventSource(source_enabled=False)
    source.post({"event_name": "purchase"}, headers=BROWSER)

    assert replay().failed == 1
    assert "names nobody" in RejectedActivity.objects.get().replay_reason


def test_activity_of_a_tracked_site_needs_an_agreement_and_keeps_its_site():
    consent = make_consent()
    channel = make_channel(kind="website", domain="main.example", tracking_consent=consent)
    site = TrackedSite.objects.create(name="S", code_name="s", url=SHOP, channel=channel)
    browser = Browser()
    browser.agree()
    browser.log({"type": NAME, "url": f"{SHOP}/"})
    line = RejectedActivity.objects.get()
    make_activity_type(NAME)
    assert why_not(line) == ""
    browser.revoke()
    assert check_again([line]).would_pass == 0
    browser.agree()

    replay()

    assert Activity.objects.get().tracked_site == site


def test_what_python_code_did_is_replayed():
    contact = make_contact()
    with pytest.raises(InvalidActivity):
        log_custom_activity(NAME, contact=contact, channel=make_channel(), value="1")
    make_activity_type(NAME)

    replay()

    assert Activity.objects.get().value == "1"


def test_headless_lines_say_what_their_type_was_called():
    App().log({"type": "Loan_Calc", "value": json.loads('"\\u0000"')})

    assert RejectedActivity.objects.get().named == "Loan_Calc"
