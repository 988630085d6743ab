"""The one key that points at a person, and the email that a person has."""

from typing import Any

from django.db import models
from django.db.models.functions import Lower

from contacts.emails import check_email, mailbox


class OnMerge(models.TextChoices):
    """What happens to a row when its contact is merged into another."""

    MOVE = "move", "goes to the survivor"
    KEEP = "keep", "stays, as part of the record"


class OnErase(models.TextChoices):
    """What happens to a row when its contact asks to be forgotten."""

    DELETE = "delete", "is deleted"
    CLEAR = "clear", "stays, as another contact's, and loses the key"
    KEEP = "keep", "stays, as proof, without personal data"


class ContactKey(models.ForeignKey[Any, Any]):
    """A foreign key to a contact that says what merging, erasure and export do with the row.

    Every model that points at a contact uses it; a system check (contacts.E001) refuses others.
    The database never deletes history by itself, so `on_delete` is always PROTECT.
    """

    def __init__(
        self,
        to="contacts.Contact",
        on_delete=models.PROTECT,
        *,
        on_merge: OnMerge | None = None,
        on_erase: OnErase | None = None,
        export: bool | None = None,
        **kwargs,
    ):
        self.on_merge, self.on_erase, self.export = on_merge, on_erase, export
        super().__init__(to, on_delete, **kwargs)

    def deconstruct(self):
        # The declarations are behaviour of the code: changing one is no change of the table.
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs


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
