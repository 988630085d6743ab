"""The figures of the dashboard, and the filters that show what they count."""

# These add to the dashboard, and to the lists of contacts and activities.
from figures.admin import (  # noqa: F401
    activities,
    consents,
    emails,
    filters,
    groups,
    pages,
    people,
    reading,
    senders,
)
