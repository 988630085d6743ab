"""The decisions about consent: what an answer to the tracking consent of a channel allows.

That is whether anything may be recorded about a contact there; and of a browser, whether its
contacts may be joined, and which cookie level it has. And what an answer to any consent allows to
be sent to a contact, or told about it. What an answer is, `SAYS` says to all who ask for one.
"""

from enum import Enum, StrEnum

from channels.models import Channel, CookieLevel

# What a row `answer` of consents_currentanswer says: yes or no, and null where it is a yes to an
# earlier text of a consent whose earlier texts count no more. Such a yes is no answer. A yes that
# was given before there was a text counts.
SAYS = """
CASE WHEN answer.agreed AND EXISTS (
    SELECT FROM consents_consenttext AS its_text
    JOIN consents_consent AS its_consent ON its_consent.id = its_text.consent_id
    WHERE its_text.id = answer.text_id AND its_text.superseded_at IS NOT NULL
        AND NOT its_consent.older_versions_count
) THEN NULL ELSE answer.agreed END
"""


class Asks(Enum):
    """What a source of activities asks of contacts: their answer to the tracking consent."""

    # The calling application has asked.
    NOTHING = "nothing"
    # That they have not revoked it: contacts who never answered are tracked.
    NO_REVOCATION = "no revocation"
    AGREEMENT = "agreement"


class Obstacle(StrEnum):
    """Why nothing may be recorded."""

    CONSENT = "consent"
    OPT_OUT = "opt_out"


class ObstacleToSending(Enum):
    """Why nothing may be sent for which a consent is needed."""

    NO_ANSWER = "no answer"
    REVOKED = "revoked"


def asked_on(channel: Channel, asks: Asks) -> Asks:
    """What is asked of contacts on `channel` by a source that `asks` this by itself."""
    if channel.tracking_consent_id is None:
        return Asks.NOTHING
    return Asks.AGREEMENT if channel.enforce_consent else asks


def find_obstacle(
    channel: Channel,
    has_agreed: bool | None,
    *,
    asks: Asks,
    level: int | None = None,
    opts_out: bool = False,
) -> Obstacle | None:
    """Why nothing may be recorded about a contact on `channel`, or None if it may.

    `has_agreed` is the contact's latest answer to the tracking consent of the channel, None without
    one. Of browsers, `level` is the cookie level, if there is one, and `opts_out` whether they send
    a signal against tracking.
    """
    if _is_refused(asked_on(channel, asks), has_agreed):
        return Obstacle.CONSENT
    if _is_below_visitors(level):
        return Obstacle.CONSENT
    # An explicit yes counts more than a setting of the browser.
    if opts_out and channel.honours_opt_out_signals and not has_agreed:
        return Obstacle.OPT_OUT
    return None


def is_revoked(has_agreed: bool | None, *, level: int | None = None, is_known: bool = True) -> bool:
    """Whether an agreement was taken back, by an answer or by the cookie level of a browser.

    `is_known` is whether the browser is a contact. One that was lowered has lost its contact, and
    the answers of it; one that is a contact nevertheless is as free as its answer.
    """
    return has_agreed is False or (_is_below_visitors(level) and not is_known)


def find_obstacle_to_sending(has_agreed: bool | None) -> ObstacleToSending | None:
    """Why nothing may be sent that needs a consent, or None if it may.

    `has_agreed` is the contact's latest answer to that consent, None without one. Only a yes
    allows it: nobody is written to who was never asked.
    """
    if has_agreed:
        return None
    return ObstacleToSending.NO_ANSWER if has_agreed is None else ObstacleToSending.REVOKED


def may_join(has_agreed: bool | None) -> bool:
    """Whether the contacts of a browser may become one, and it may be known by them later.

    `has_agreed` is their latest answer to the tracking consent, None without one.
    """
    return not is_revoked(has_agreed)


def level_of(channel: Channel, has_agreed: bool | None, level: int | None) -> int:
    """The cookie level of a browser on `channel`; `level` is what its cookie says, if it has one.

    A revocation counts more than the cookie; without both, the channel says what an agreement
    allows, and what everybody has.
    """
    if is_revoked(has_agreed) or (level is None and not has_agreed):
        return channel.default_cookie_level
    return channel.agree_cookie_level if level is None else level


def _is_below_visitors(level: int | None) -> bool:
    return level is not None and level < CookieLevel.VISITOR


def _is_refused(asked: Asks, has_agreed: bool | None) -> bool:
    if asked is Asks.AGREEMENT:
        return not has_agreed
    return asked is Asks.NO_REVOCATION and is_revoked(has_agreed)
