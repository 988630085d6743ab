"""A sign of life of workers, and what of logins and the audit log is old."""

from datetime import timedelta

from django.conf import settings

from adminsite.audit import forget_old_entries
from config.logins.sessions import forget_ended
from exchange.importing.strays import forget_strays
from jobs.declaring import declare_periodic, declare_pulse
from privacy.retention.kept import Kept, register_kept
from privacy.retention.words import period

_HOURLY = timedelta(hours=1)

declare_pulse("config.beat_heart", every=5.0)
declare_periodic("forget old entries of the audit log", forget_old_entries, every=_HOURLY)
declare_periodic("forget ended sessions", forget_ended, every=_HOURLY)
register_kept(
    Kept(
        "Sessions of users of the admin, with browser and address",
        "Sessions",
        lambda: f"{period(settings.SESSION_COOKIE_AGE // 86_400)} after the last login, or its end",
    ),
    Kept(
        "How often an address has tried to log in or sent something, as a keyed hash",
        "",
        lambda: "until the time is over that is counted, an hour at most",
    ),
)

declare_periodic("forget strays of uploads", forget_strays, every=_HOURLY)
