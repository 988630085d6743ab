"""When readers read."""

from jobs.declaring import declare_pulse

declare_pulse("readers.read", every=1.0, queue="readers")
