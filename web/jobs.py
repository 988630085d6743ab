"""What workers do for the limits."""

from datetime import timedelta

from jobs.declaring import declare_periodic
from web.limits import forget_old_counts

declare_periodic("forget old counts of limits", forget_old_counts, every=timedelta(hours=1))
