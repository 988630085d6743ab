"""What can be wrong with a file as a whole, in words for the user who has it."""


class CannotRead(ValueError):
    """A file is no table that the hub can read: what is wrong, where, and what to do."""
