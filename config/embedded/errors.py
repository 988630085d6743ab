"""What can go wrong with the embedded services.

OperationalError
└── EmbeddedPostgresFailed    the server could not be created, started, reached or stopped
"""

from django.db import OperationalError


class EmbeddedPostgresFailed(OperationalError):
    """Says what went wrong with the embedded PostgreSQL, and what to do about it."""
