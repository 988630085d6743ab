"""Handing emails over by other backends of Django: those of django-anymail, the outbox."""

from contextlib import suppress

from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailRecipientsRefused,
    AnymailUnsupportedFeature,
)
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connections
from requests.exceptions import ConnectTimeout, RequestException
from urllib3.exceptions import NewConnectionError

from automations.emails.handing_over import CannotConnect, Outcome, Result
from automations.emails.messages import HubMessage
from automations.emails.severity import Severity, without_addresses

# A provider says by these that it is about the moment or the hub's key, not about the email.
_FOR_NOW = (401, 402, 403, 408, 425, 429)


class BackendLine:
    """Hands emails to a backend of Django, each by its `send_messages`."""

    def __init__(self, backend: BaseEmailBackend):
        self._backend = backend

    def open(self) -> None:
        """Make the backend ready.

        :raises CannotConnect: if it cannot be
        """
        try:
            self._backend.open()
        except OSError as error:
            raise CannotConnect(without_addresses(str(error))) from error

    def hand_over(self, message: HubMessage) -> Outcome:
        """Hand over one email."""
        try:
            self._send(message)
        except AnymailError as error:
            return _outcome_of(error)
        except Exception as error:
            # Any kind: whatever the backend raises, the provider may have taken the email by then.
            return Outcome(
                Result.UNCERTAIN, f"{type(error).__name__}: {without_addresses(str(error))}"
            )
        finally:
            # A backend may use the database, as the outbox does, in a thread that is over soon.
            connections.close_all()
        status = getattr(message, "anymail_status", None)
        return Outcome(Result.SENT, provider_id=getattr(status, "message_id", None) or "")

    def close(self) -> None:
        """Have the backend let go of its connection."""
        with suppress(OSError):
            self._backend.close()

    def _send(self, message: HubMessage) -> None:
        try:
            self._backend.send_messages([message])
        except AnymailUnsupportedFeature:
            if not message.metadata:
                raise
            # Raised before anything is sent. Without metadata, webhooks name the provider's id.
            message.metadata = {}
            self._backend.send_messages([message])


def _outcome_of(error: AnymailError) -> Outcome:
    """What an error of django-anymail says about the email."""
    if isinstance(error, AnymailRecipientsRefused):
        return Outcome(Result.REFUSED, "The provider refuses the address.", Severity.SOFT)
    if isinstance(error, AnymailAPIError):
        if isinstance(error, RequestException) and error.response is None:
            return _outcome_without_answer(error)
        detail = _said(error)
        if error.status_code is None or error.status_code < 300:
            return Outcome(Result.UNCERTAIN, detail)
        is_for_now = error.status_code in _FOR_NOW or error.status_code >= 500
        return Outcome(Result.PUT_OFF if is_for_now else Result.REFUSED, detail)
    # The email is not as the provider can take it, and was not sent.
    return Outcome(Result.REFUSED, without_addresses(str(error)))


def _outcome_without_answer(error: RequestException) -> Outcome:
    cause = error.__cause__
    reason = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    if isinstance(error, ConnectTimeout) or isinstance(reason, NewConnectionError):
        return Outcome(Result.BROKE_BEFORE, "The provider cannot be reached.")
    return Outcome(Result.UNCERTAIN, "The provider did not answer.")


def _said(error: AnymailError) -> str:
    text = getattr(error.response, "text", "") if error.response is not None else str(error)
    return without_addresses(f"The provider answers {error.status_code or ''}: {text}")
