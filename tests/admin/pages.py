"""What a browser sends when a user saves a page of the admin as it is."""

from html.parser import HTMLParser


class _Form(HTMLParser):
    """The fields of the forms of a page, by their names, with the values that they have."""

    def __init__(self):
        super().__init__()
        self.fields = {}
        self._select = self._textarea = ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "input" and (
            given.get("type") not in ("checkbox", "submit") or "checked" in given
        ):
            self.fields[name] = given.get("value") or ""
            if given.get("type") == "checkbox":
                self.fields[name] = given.get("value") or "on"
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.fields[self._select] = given.get("value") or ""
        elif tag == "textarea":
            self._textarea = name
            self.fields[name] = ""

    def handle_data(self, data):
        if self._textarea:
            self.fields[self._textarea] += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            # A browser leaves out the line break that the tag begins with.
            self.fields[self._textarea] = self.fields[self._textarea].removeprefix("\n")
            self._textarea = ""


def form_on(page):
    """The form of `page`, a response, as its user would send it."""
    form = _Form()
    form.feed(page.text)
    return form.fields
