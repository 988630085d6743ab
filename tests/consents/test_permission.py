"""Whether anything may be recorded about a contact: one table for every way in."""

import pytest

from channels.models import Channel, CookieLevel
from consents.permission import (
    Asks,
    Obstacle,
    asked_on,
    find_obstacle,
    is_revoked,
    level_of,
    may_join,
)

CONSENT, OPT_OUT = Obstacle.CONSENT, Obstacle.OPT_OUT


def channel(**fields):
    return Channel(**{"tracking_consent_id": 1, **fields})


@pytest.mark.parametrize(
    ("asks", "enforces", "never_answered", "revoked"),
    [
        pytest.param(Asks.NOTHING, False, None, None, id="application-asks"),
        pytest.param(Asks.NOTHING, True, CONSENT, CONSENT, id="channel-enforces"),
        pytest.param(Asks.NO_REVOCATION, False, None, CONSENT, id="revocation-counts"),
        pytest.param(Asks.NO_REVOCATION, True, CONSENT, CONSENT, id="channel-enforces-more"),
        pytest.param(Asks.AGREEMENT, False, CONSENT, CONSENT, id="agreement-is-needed"),
        pytest.param(Asks.AGREEMENT, True, CONSENT, CONSENT, id="channel-enforces-the-same"),
    ],
)
def test_permission_depends_on_what_is_asked_and_answered(asks, enforces, never_answered, revoked):
    where = channel(enforce_consent=enforces)

    obstacles = [find_obstacle(where, agreed, asks=asks) for agreed in (True, None, False)]

    assert obstacles == [None, never_answered, revoked]


@pytest.mark.parametrize("asks", Asks)
def test_permission_needs_no_answer_where_no_consent_is_chosen(asks):
    where = channel(tracking_consent_id=None)

    assert asked_on(where, asks) is Asks.NOTHING
    assert find_obstacle(where, None, asks=asks) is None


@pytest.mark.parametrize(
    ("level", "obstacle"),
    [
        (None, None),
        (CookieLevel.ESSENTIAL, CONSENT),
        (CookieLevel.VISITOR - 1, CONSENT),
        (CookieLevel.VISITOR, None),
        (CookieLevel.ALL, None),
    ],
)
def test_permission_needs_the_cookie_level_of_visitors(level, obstacle):
    found = find_obstacle(channel(), True, asks=Asks.AGREEMENT, level=level)

    assert found == obstacle


@pytest.mark.parametrize(
    ("fields", "has_agreed", "obstacle"),
    [
        ({"honours_opt_out_signals": True}, None, OPT_OUT),
        ({"honours_opt_out_signals": True}, False, OPT_OUT),
        ({"honours_opt_out_signals": True}, True, None),
        ({"honours_opt_out_signals": False}, None, None),
    ],
)
def test_signals_of_browsers_count_where_the_channel_honours_them(fields, has_agreed, obstacle):
    where = channel(**fields)

    assert find_obstacle(where, has_agreed, asks=Asks.NOTHING, opts_out=True) == obstacle
    assert find_obstacle(where, has_agreed, asks=Asks.NOTHING) is None


@pytest.mark.parametrize(
    ("has_agreed", "level", "is_known", "revoked"),
    [
        (None, None, False, False),
        (None, None, True, False),
        (True, None, True, False),
        (False, None, True, True),
        (False, CookieLevel.ALL, True, True),
        # With its level the browser lost its contact, and that contact's answers.
        (None, CookieLevel.ESSENTIAL, False, True),
        (None, CookieLevel.VISITOR - 1, False, True),
        (None, CookieLevel.VISITOR, False, False),
        (None, CookieLevel.ESSENTIAL, True, False),
        (True, CookieLevel.ESSENTIAL, True, False),
    ],
)
def test_agreement_is_taken_back_by_an_answer_or_by_a_lowered_level(
    has_agreed, level, is_known, revoked
):
    assert is_revoked(has_agreed, level=level, is_known=is_known) is revoked


@pytest.mark.parametrize(("has_agreed", "joined"), [(True, True), (None, True), (False, False)])
def test_contacts_of_a_browser_are_joined_unless_consent_was_revoked(has_agreed, joined):
    assert may_join(has_agreed) is joined


@pytest.mark.parametrize(
    ("has_agreed", "level", "expected"),
    [
        (None, None, CookieLevel.SYSTEM),
        (True, None, CookieLevel.VISITOR),
        (False, None, CookieLevel.SYSTEM),
        (None, CookieLevel.EDITOR, CookieLevel.EDITOR),
        (True, CookieLevel.EDITOR, CookieLevel.EDITOR),
        (True, CookieLevel.ALL, CookieLevel.ALL),
        (False, CookieLevel.ALL, CookieLevel.SYSTEM),
        (True, 0, 0),
    ],
)
def test_cookie_level_is_the_one_of_the_browser_unless_consent_was_revoked(
    has_agreed, level, expected
):
    where = channel(agree_cookie_level=CookieLevel.VISITOR, default_cookie_level=CookieLevel.SYSTEM)

    assert level_of(where, has_agreed, level) == expected
