"""Sessions are listed and ended, and each user sees times in their own zone."""

from datetime import UTC, datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from adminsite.formatting import changelist_url
from adminsite.models import AuditEntry, UserZone
from adminsite.roles import give_roles
from config.logins.sessions import choose_zone, device, forget_ended
from contacts.birthdays import is_credible_birthday
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db

PASSWORD = "Sufficiently-long-1"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
LIST = "/admin/usersessions/usersession/"
ZONE = "/admin/time-zone/"


def make_user(name, *roles, **fields):
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True, **fields)
    give_roles(user, roles)
    return user


def log_in(name, agent=FIREFOX):
    client = Client(headers={"user-agent": agent})
    client.post("/admin/login/", {"username": name, "password": PASSWORD})
    return client


def is_in(client):
    return client.get("/admin/").status_code == 200


def session_of(client):
    return UserSession.objects.get(session_key=client.session.session_key)


def end(client, session):
    return client.post(f"{LIST}{session.pk}/end/")


def test_a_user_sees_their_own_sessions_and_which_is_this(settings):
    make_user("mia", "marketer")
    make_user("ada", "marketer")
    here, phone, _ = log_in("mia"), log_in("mia", PHONE), log_in("ada")

    page = here.get(LIST)

    shown = page.context["cl"].result_list
    assert {one.session_key for one in shown} == {
        here.session.session_key,
        phone.session.session_key,
    }
    assert page.text.count("This one") == 1
    assert "Firefox on Linux" in page.text
    assert "Safari on iPhone" in page.text
    assert here.session.session_key not in page.text


def test_a_user_ends_another_session_of_theirs_and_it_is_in_the_audit_log():
    make_user("mia", "dpo")
    here, phone = log_in("mia"), log_in("mia", PHONE)
    ended = session_of(phone)

    answer = end(here, ended)

    assert answer.headers["Location"] == LIST
    assert not is_in(phone)
    assert is_in(here)
    assert list(AuditEntry.objects.filter(action="done").values_list("actor", "detail")) == [
        ("mia", "Ended a session of mia.")
    ]
    assert end(here, ended).status_code == 404


def test_ending_this_session_is_logging_out():
    make_user("mia", "dpo")
    here = log_in("mia")

    assert end(here, session_of(here)).headers["Location"] == "/admin/login/"
    assert not is_in(here)


def test_operators_end_the_sessions_of_everybody_and_others_do_not():
    make_user("mia", "marketer")
    make_user("otto", "operator")
    mia, otto = log_in("mia"), log_in("otto")

    assert end(mia, session_of(otto)).status_code == 403
    assert is_in(otto)
    assert "mia" in otto.get(LIST).text
    end(otto, session_of(mia))
    assert not is_in(mia)


def test_a_session_of_before_is_listed_once_its_user_comes_back(client):
    user = make_user("mia", "dpo")
    client.force_login(user)

    client.get("/admin/")

    assert UserSession.objects.get().session_key == client.session.session_key


def test_seeing_a_user_is_written_down_every_five_minutes_only(client, django_assert_num_queries):
    make_user("mia", "dpo")
    here = log_in("mia")
    here.get(LIST)
    UserSession.objects.update(last_seen_at=datetime(2026, 1, 1, tzinfo=UTC))

    here.get(LIST)
    assert UserSession.objects.get().last_seen_at.year == 2026
    assert UserSession.objects.get().last_seen_at.month == 1
    session = here.session
    session["seen_at"] -= 301
    session.save()
    here.get(LIST)
    assert UserSession.objects.get().last_seen_at > timezone.now() - timedelta(minutes=1)


def test_what_is_over_is_neither_listed_nor_kept():
    make_user("mia", "dpo")
    here, phone = log_in("mia"), log_in("mia", PHONE)
    Session.objects.filter(session_key=phone.session.session_key).update(
        expire_date=timezone.now() - timedelta(seconds=1)
    )

    assert len(here.get(LIST).context["cl"].result_list) == 1
    forget_ended()
    assert Session.objects.count() == UserSession.objects.count() == 1


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "Unknown"),
    ],
)
def test_devices_are_named_as_people_know_them(agent, name):
    assert device(agent) == name


def test_a_user_chooses_a_zone_and_sees_times_in_it_in_every_session():
    make_user("mia", "marketer")
    here, phone = log_in("mia"), log_in("mia", PHONE)
    make_activity(make_contact(), occurred_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    listed = "/admin/activities/activity/"
    assert "1 Jul 2026, 22:30" in phone.get(listed).text

    here.post(ZONE, {"zone": "Asia/Kolkata"})

    for client in (here, phone, log_in("mia")):
        html = client.get(listed).text
        assert "2 Jul 2026, 04:00" in html
        assert "Times in Asia/Kolkata (IST)" in html
    here.post(ZONE, {"zone": ""})
    assert "Times in UTC (UTC)" in phone.get(listed).text
    assert not UserZone.objects.exists()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "Europe/Berlin\0", "x" * 300])
def test_a_zone_that_there_is_not_is_refused(zone):
    user = make_user("mia", "marketer")
    here = log_in("mia")

    answer = here.post(ZONE, {"zone": zone})

    assert answer.status_code == 200
    assert "Select a valid choice" in answer.text
    assert not UserZone.objects.exists()
    with pytest.raises(ValueError, match="no time zone"):
        choose_zone(user, zone)


def test_a_zone_that_is_gone_is_that_of_the_hub():
    user = make_user("mia", "marketer")
    UserZone.objects.create(user=user, zone="Europe/Atlantis")

    assert "Times in UTC" in log_in("mia").get("/admin/").text


def test_the_zone_of_a_user_moves_no_day_of_the_hub():
    tomorrow = timezone.localdate() + timedelta(days=1)
    with timezone.override("Pacific/Kiritimati"):
        assert not is_credible_birthday(tomorrow)


def test_the_page_of_the_zone_needs_a_login(client):
    assert client.get(ZONE).headers["Location"].startswith("/admin/login/")
    assert changelist_url(UserSession) == LIST
