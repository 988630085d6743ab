"""What workers do for channels."""

from datetime import timedelta

from channels.notices import tell_of_ending_keys
from jobs.declaring import declare_periodic

declare_periodic("tell of keys that end", tell_of_ending_keys, every=timedelta(hours=1))
