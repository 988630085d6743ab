"""Why a text cannot be filled for a contact."""


class Missing(ValueError):
    """A text needs a value that is not there, and says nothing to take instead.

    :ivar reason: which value, as a sentence for the users of the admin
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class CannotRender(ValueError):
    """A text does not come to an end in time, becomes too long, or has no meaning.

    :ivar reason: what is wrong, as a sentence for the users of the admin
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class TooMuch(CannotRender):
    """A text takes longer, or comes to more, than one email may."""
