"""What workers do for figures besides counting."""

from datetime import timedelta

from figures.correcting import tidy
from jobs.declaring import declare_periodic

declare_periodic("fold and forget old figures", tidy, every=timedelta(hours=1))
