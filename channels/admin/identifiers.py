"""The identifiers that another system gave, which websites still send after moving here."""

from unfold.widgets import UnfoldAdminTextInputWidget

from adminsite.stale import SeenValuesForm
from channels.models import Channel


class IdentifiersForm(SeenValuesForm):
    """All identifiers by which other formats name a channel."""

    class Meta:
        model = Channel
        fields = ("account_id", "event_key", "site_id", "source_key")
        widgets = dict.fromkeys(fields, UnfoldAdminTextInputWidget)

    def save(self, commit: bool = True) -> Channel:
        """Save what the user changed, and nothing that another user changed in the meantime."""
        self.instance.save(update_fields=self.changed_data)
        return self.instance

    @property
    def changed_names(self) -> str:
        """What was changed, in words."""
        return ", ".join(str(self.fields[name].label) for name in self.changed_data)
