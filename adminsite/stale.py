"""Two people who edit one row at once do not undo each other's work."""

from typing import Any

from django import forms


class SeenValuesForm(forms.ModelForm):
    """A form that knows what its user saw, as each field carries the value that the page had.

    Only what the user changed counts: other fields keep what the database has by now. A field that
    another user or a data input changed meanwhile is an error that tells the new value; to save
    once more replaces it knowingly.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            # A program that posts without them has seen nothing.
            field.show_hidden_initial = self._is_there and (
                not self.is_bound or self._carries(name)
            )

    def clean(self) -> dict[str, Any]:
        super().clean()
        seen = [name for name in self.cleaned_data if self._carries(name)]
        for name in set(seen) - set(self.changed_data):
            if not self.fields[name].disabled and hasattr(self.instance, name):
                self.cleaned_data[name] = getattr(self.instance, name)
        for name in [name for name in seen if name in self.changed_data]:
            self._compare(name)
        return self.cleaned_data

    def _compare(self, name: str) -> None:
        """Add an error if the field has become something else than its user saw and wants."""
        bound = self[name]
        now, wanted = bound.initial, self.data.get(self.add_prefix(name))
        has_changed = bound.field.has_changed
        if not has_changed(now, self.data.get(self.add_initial_prefix(name))):
            return
        # A user who saves again has seen it.
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data[self.add_initial_prefix(name)] = bound.field.prepare_value(now)  # type: ignore[index]
        if has_changed(now, wanted):
            self.add_error(name, _changed_to(bound.field, now))

    @property
    def _is_there(self) -> bool:
        # Nobody else can change what is not saved yet.
        return self.instance.pk is not None

    def _carries(self, name: str) -> bool:
        return self.is_bound and self._is_there and self.add_initial_prefix(name) in self.data


def _changed_to(field: forms.Field, value: Any) -> str:
    text = _shown(field, value)
    became = f"this has become “{text}”" if text else "this was emptied"
    return f"While you were editing, {became}. Save again to replace it by what you wrote."


def _shown(field: forms.Field, value: Any) -> str:
    """A value as people read it: by the field's own `shown_as`, or the label of a choice."""
    if shown_as := getattr(field, "shown_as", None):
        return shown_as(value)
    choices = dict(getattr(field, "choices", None) or ())
    shown = field.prepare_value(value)
    return str(choices.get(shown, "" if shown is None else shown))
