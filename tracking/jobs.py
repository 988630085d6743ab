"""What workers do for the doors of apps and servers."""

from datetime import timedelta

from jobs.declaring import declare_periodic
from privacy.retention.kept import Kept, days, register_kept
from tracking.contact_creation import KEPT_FOR, forget_old_creations

declare_periodic("forget old idempotency keys", forget_old_creations, every=timedelta(hours=1))
register_kept(
    Kept("Which contact an application has made by which of its keys", "", days(KEPT_FOR))
)
