"""Finds which of very many names stand in texts, in one look at each word of a text."""

import re
from collections import defaultdict
from collections.abc import Iterable

# Words of ASCII alone: what counts as a letter beyond it is not the same everywhere.
_WORD = re.compile(r"[a-z0-9_]+")


class NamesAmong:
    """Names by their first word. What else is before and behind a name in a text, the caller sees.

    A name with other letters than those of ASCII counts as found: letter case of these is compared
    in more than one way.
    """

    def __init__(self, names: Iterable[str]):
        self._by_word: dict[str, list[str]] = defaultdict(list)
        self._always: set[str] = set()
        for name in names:
            word = _WORD.search(name.lower())
            if word is None or not name.isascii():
                self._always.add(name)
            else:
                self._by_word[word[0]].append(name)

    def found_in(self, texts: Iterable[str]) -> set[str]:
        """Those of the names that may stand in one of these texts as words, in any letter case."""
        found = set(self._always)
        for text in texts:
            lower = text.lower()
            for word in self._by_word.keys() & set(_WORD.findall(lower)):
                found.update(name for name in self._by_word[word] if name.lower() in lower)
        return found
