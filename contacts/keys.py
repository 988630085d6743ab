"""The one key that points at a person: it says what becomes of the row."""

from typing import Any

from django.db import models


class OnMerge(models.TextChoices):
    """What happens to a row when its contact is merged into another."""

    MOVE = "move", "goes to the survivor"
    FOLLOW = "follow", "goes to the survivor, many of them after the merge"
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

    def _check_unique(self, **kwargs):
        # Django would have a OneToOneField, which does not say what becomes of the row.
        return []

    def deconstruct(self):
        # The declarations are behaviour of the code: changing one is no change of the table.
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs
