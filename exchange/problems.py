"""What is wrong with a configuration, in one line that a terminal can show."""

import unicodedata


class InvalidMember(ValueError):
    """A member that cannot have this value; `path` says where in the value, such as `en.short`."""

    def __init__(self, detail: str, path: str = ""):
        super().__init__(detail)
        self.detail, self.path = detail, path


class InvalidConfiguration(ValueError):
    """A configuration that cannot be loaded or written; its text is one line.

    :param file: in which file
    :param about: which object, such as `consent/TrackingConsent`, or where in the file it is
    :param member: which member of it
    """

    def __init__(self, detail: str, *, file: str = "", about: str = "", member: str = ""):
        super().__init__(
            ": ".join(one_line(part) for part in (file, about, member, detail) if part)
        )


def one_line(text: str) -> str:
    """`text` without line breaks, and without characters that change what a terminal shows."""
    return "".join(
        repr(sign)[1:-1] if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign
        for sign in " ".join(text.split())
    )
