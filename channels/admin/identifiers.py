"""The identifiers that another system gave, for whoever moves here with websites that send them."""

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from channels.models import Channel


class IdentifiersForm(forms.ModelForm):
    """All identifiers by which other formats name a channel."""

    class Meta:
        model = Channel
        fields = ("account_id", "event_key", "site_id", "source_key")
        widgets = dict.fromkeys(fields, UnfoldAdminTextInputWidget)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # What was changed is told by the database, not by what the page was made of.
            field.show_hidden_initial = False

    def save(self, commit: bool = True) -> Channel:
        """Save what was changed, and nothing that somebody else changed in the meantime."""
        self.instance.save(update_fields=self.changed_data)
        return self.instance

    @property
    def changed_names(self) -> str:
        """What was changed, in words."""
        return ", ".join(str(self.fields[name].label) for name in self.changed_data)
