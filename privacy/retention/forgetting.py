"""What the log of retention and the data dictionary say of a person who is erased: nothing.

The name of a type, or of a property, is made by who sends it, and may name somebody.
"""

from collections.abc import Mapping

from contacts.erasing_texts import forget_in, patterns_of
from contacts.erasures import Erased, forget_texts
from contacts.records import label_of
from privacy.models import DictionaryEntry, RetentionRun


def _forget_entries(erased: Erased) -> Mapping[str, int]:
    names = DictionaryEntry.objects.values_list("name", flat=True)
    patterns = patterns_of(erased, names.distinct().order_by())
    found = (DictionaryEntry.objects.filter(name__iregex=one).delete()[0] for one in patterns)
    return {label_of(DictionaryEntry): sum(found)}


def register() -> None:
    """Have erasures know it."""
    forget_in(RetentionRun, "says", "reason", "last_error")
    forget_texts(_forget_entries)
