"""Pages of what several users may save at once, and what may be refused in the last moment."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest

from adminsite.options import HubAdmin


class CarefulAdmin(HubAdmin):
    """A page whose row is locked while its form is checked and saved.

    So the form (`SeenValuesForm`) compares with what the row is, until it is saved. What saving
    refuses although the form had found nothing, because of what somebody saved in between, is shown
    in the form as its own errors are: the form is made a second time, and has it as `refused`.
    """

    # What saving raises if it refuses something.
    refusals: tuple[type[Exception], ...] = (ValidationError,)

    def get_object(self, request: HttpRequest, object_id: str, from_field=None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "POST" and connection.in_atomic_block:
            return self.locked(found)
        return found

    def locked(self, row: Model) -> Any:
        """`row` as it is now, locked until the end of the transaction; None if it has gone."""
        rows = self.model._default_manager.select_for_update(no_key=True)
        return rows.filter(pk=row.pk).first()

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        if hasattr(form, "refused"):
            form.refused = getattr(request, "refused", None)
        return form

    def changeform_view(self, request, *args, **kwargs):
        try:
            return super().changeform_view(request, *args, **kwargs)
        except self.refusals as error:
            if not self.may_be_told(error):
                raise
            request.refused = error
        return super().changeform_view(request, *args, **kwargs)

    def may_be_told(self, error: Exception) -> bool:
        """Whether a refusal is one that the form can explain."""
        return True
