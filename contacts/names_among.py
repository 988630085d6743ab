"""Finds which of very many names stand in texts, in one look at each word of a text."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

# Words of ASCII alone: what counts as a letter beyond it is not the same everywhere.
_WORD = re.compile(r"[a-z0-9_]+")
_FEW = 20
# With the words alone, ann@example.com would take mary-ann@example.com along.
_NAME = r"(?<![\w.+-]){}(?![\w-]|\.\w)"


class NamesAmong:
    """Names by their first word. What else is before and behind a name in a text, the caller sees.

    A name with other letters than those of ASCII counts as found: letter case of these is compared
    in more than one way.
    """

    def __init__(self, names: Iterable[str]):
        self._by_word: dict[str, list[str]] = defaultdict(list)
        self._always: set[str] = set()
        self._patterns: dict[str, re.Pattern[str]] = {}
        for name in names:
            word = _WORD.search(name.lower())
            if word is None or not name.isascii():
                self._always.add(name)
            else:
                self._by_word[word[0]].append(name)
        self._always_lower = [name.lower() for name in self._always]
        self._others_lower = [one.lower() for some in self._by_word.values() for one in some]

    def found_in(self, texts: Iterable[str]) -> set[str]:
        """Those of the names that may stand in one of these texts as words, in any letter case."""
        found = set(self._always)
        for text in texts:
            found.update(self._with_words_of(text.lower()))
        return found

    def stand_in(self, text: str) -> bool:
        """Whether one of the names stands in this text, in the letter case of Python."""
        lower = text.lower()
        if any(name in lower for name in self._always_lower):
            return True
        # To look for a few of them takes less time than to take a text apart.
        if len(self._others_lower) <= _FEW and not any(
            name in lower for name in self._others_lower
        ):
            return False
        return any(True for _ in self._with_words_of(lower))

    def name_somebody_in(self, *texts: str) -> bool:
        """Whether one of the names is one in these texts: ann@x.org is not in mary-ann@x.org."""
        likely = self.found_in(texts)
        return any(self._pattern_of(name).search(text) for name in likely for text in texts)

    def _with_words_of(self, lower: str) -> Iterator[str]:
        for word in self._by_word.keys() & set(_WORD.findall(lower)):
            yield from (name for name in self._by_word[word] if name.lower() in lower)

    def _pattern_of(self, name: str) -> re.Pattern[str]:
        if name not in self._patterns:
            self._patterns[name] = re.compile(_NAME.format(re.escape(name)), re.IGNORECASE)
        return self._patterns[name]
