"""Why an activity was refused."""


class InvalidActivity(Exception):
    """One activity cannot be recorded.

    `code` is stable and for programs, `field` is the member of the activity that is wrong (or ""),
    `detail` tells a person what was wrong and what to do.
    """

    def __init__(self, code: str, field: str, detail: str):
        super().__init__(detail)
        self.code, self.field, self.detail = code, field, detail
