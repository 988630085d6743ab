"""What readers may follow of emails."""

from readers.logs import Log

EMAIL_EVENTS = Log("events of emails", "automations.EmailEvent")
