"""Another system that asks the read API, over HTTP and through every middleware."""

from tests.wire.app import App

ROOT = "/hub/v1"


class Reader(App):
    """What it has: a key for the read API."""

    def __init__(self, channel=None, *, access="read", **key_fields):
        super().__init__(channel, access=access, **key_fields)

    def read(self, path, *, headers=(), **parameters):
        """The answer to GET, whatever it is."""
        given = {"Authorization": self.authorization, **dict(headers)}
        sent = {name: value for name, value in given.items() if value is not None}
        return self.http.get(f"{ROOT}{path}", parameters, headers=sent)

    def get_json(self, path, **parameters):
        response = self.read(path, **parameters)
        assert response.status_code == 200, response.content
        return response.json()

    def pages(self, path, **parameters):
        """Every page, one after the other."""
        page = self.get_json(path, **parameters)
        yield page
        while page["next"]:
            page = self.get_json(path, **parameters, cursor=page["next"])
            yield page
