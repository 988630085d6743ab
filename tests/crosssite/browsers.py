"""A browser as the hub sees it: an Origin, a User-Agent, and the cookies that it brings back."""

import json

from django.test import Client

MAIN, SHOP, BLOG = "https://main.example", "https://shop.example", "https://blog.example"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "
    "Safari/537.36"
)
VISIT = {"type": "pagevisit", "value": "Home", "url": f"{SHOP}/"}


class Browser:
    """Sends the tracker's commands from a page of `origin`, with cookies unless it blocks them."""

    def __init__(self, origin=SHOP, host="main.example", *, blocks_cookies=False, **headers):
        self.client = Client(raise_request_exception=False)
        self.origin, self.host, self.blocks_cookies = origin, host, blocks_cookies
        self.headers = {"User-Agent": CHROME, **headers}

    def send_raw(self, command, body, *, method="POST", **headers):
        """The answer to exactly this body."""
        if self.blocks_cookies:
            self.client.cookies.clear()
        headers = {**self.headers, "Host": self.host, **headers}
        if self.origin is not None:
            headers.setdefault("Origin", self.origin)
        return self.client.generic(
            method,
            f"/Kentico.CrossSiteTracking/{command}",
            body,
            content_type="text/plain;charset=UTF-8",
            secure=True,
            headers=headers,
        )

    def send(self, command, content=None, **headers):
        """The answer to the command, sent again if the hub first asks for cookies."""
        content = content or {}
        response = self.send_raw(command, json.dumps(content), **headers)
        if response.status_code == 200 and response.json().get("cookieTest"):
            again = json.dumps({**content, "cookieTest": True})
            response = self.send_raw(command, again, **headers)
        return response

    def log(self, *activities, **headers):
        """The answer to having done these, or to a page visit."""
        return self.send("Log", {"activities": activities or [VISIT]}, **headers)

    def agree(self):
        """The answer to agreeing to the tracking consent."""
        return self.send("ConsentAgree", {"codeName": "TrackingConsent"})

    def revoke(self):
        """The answer to revoking that."""
        return self.send("ConsentRevoke", {"codeName": "TrackingConsent"})

    def status(self):
        """Whether the hub says that this visitor agrees."""
        answer = self.send("ConsentStatus", {"codeName": "TrackingConsent"})
        return answer.json()["isAgreed"]

    def cookies(self):
        """The cookies that are not deleted, by name."""
        return {name: morsel for name, morsel in self.client.cookies.items() if morsel.value}
