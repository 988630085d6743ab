"""Waking workers for emails."""

from jobs.tasks import ring

# What contacts have asked for waits for no broadcast: the jobs are two.
EMAILS, TRANSACTIONAL_EMAILS = "emails", "emails asked for"


def ring_for_emails(is_transactional: bool) -> None:
    """Wake a worker for prepared emails, after the commit."""
    ring(TRANSACTIONAL_EMAILS if is_transactional else EMAILS)
