"""What workers do for websites."""

from datetime import timedelta

from crosssite.handover import forget_used_tokens
from crosssite.hits import KEPT_FOR, forget_old_hits
from jobs.declaring import declare_periodic
from privacy.retention.kept import Kept, days, register_kept

_HOURLY = timedelta(hours=1)
declare_periodic("forget used hand-over tokens", forget_used_tokens, every=_HOURLY)
declare_periodic("forget old counts of browsers", forget_old_hits, every=_HOURLY)

register_kept(
    Kept("How often websites report something, without any person", "Sites", days(KEPT_FOR)),
    Kept("Which hand-over links were used, as random numbers", "", lambda: "some minutes"),
)
