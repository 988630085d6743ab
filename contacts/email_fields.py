"""The columns of an email: as it came, and what all its spellings have in common."""

from django.db import models
from django.db.models.functions import Lower

from contacts.emails import check_email, mailbox


class EmailField(models.EmailField):
    """An email in the spelling in which it came, if `check_email` has nothing against it."""

    default_validators = (check_email,)


class EmailKeyField(models.TextField):
    """What all spellings of the mailbox in the field `email` have in common, whenever it is saved.

    The database makes its lower case, so an object that was just saved does not know it.
    """

    def pre_save(self, model_instance, add):
        return email_key(model_instance.email)


def email_key(email: str) -> Lower:
    """The key of this email, as an expression."""
    return Lower(models.Value(mailbox(email)))
