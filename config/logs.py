"""How log lines look, and what is left out of them: PostgreSQL's errors quote what people sent."""

import logging
import re

# What follows the first line of PostgreSQL's message; in a repr, its line breaks are written out.
# A detail is on a line of its own, too, where output is logged line by line.
_DETAILS = r"(?:(?:\n[ |]*|\\n)(?:HINT|QUERY|CONTEXT|LINE \d+)|(?:\n[ |]*|\\n| +)DETAIL):"
# A traceback goes on with one of these if the exception was not the last one.
_NEXT_EXCEPTION = (
    r"\n[ |]*(?:The above exception was|During handling of the above|Traceback \(most recent)"
)
_QUOTING = re.compile(rf"{_DETAILS}.*?(?=\n?{_NEXT_EXCEPTION}|\Z)", re.DOTALL)


class DiscreetFormatter(logging.Formatter):
    """Formats a record without the details of PostgreSQL's errors, wherever in it they are."""

    def format(self, record: logging.LogRecord) -> str:
        return without_details(super().format(record))


def without_details(text: str) -> str:
    """`text` without what PostgreSQL says after the first line of each of its errors."""
    return _QUOTING.sub("", text)
