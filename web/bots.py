"""Robots: they look at pages, but they are nobody's contact."""

import re
from collections.abc import Iterable
from functools import lru_cache

import crawleruseragents

# Owners of a website let these look after it.
_CARETAKERS = re.compile(r"AlwaysOn|Health-?Check|GoogleHC|kube-probe", re.IGNORECASE)
# What mail providers send who load the pictures of emails, and open their links, before people do:
# Apple's and Gmail's proxies end with the bare name of a browser, the others say who they are.
_OF_MAIL = re.compile(
    r"(?:^|\s)Mozilla/5\.0$|ImageProxy|MailProxy|Barracuda|Proofpoint|Mimecast|Symantec|Sophos"
    r"|FireEye|TrendMicro|BingPreview|SkypeUriPreview|Safe ?Links|SafeBrowsing|Link ?Check",
    re.IGNORECASE,
)
_PREFETCHING = ("prefetch", "preview", "prerender")


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """Whether a known robot sends this User-Agent, or a client that sends none.

    A headless browser is none of them: it runs the page as a person's does, and it is what the
    tests of a website use.
    """
    seen_as = user_agent.replace("HeadlessChrome/", "Chrome/")
    if not seen_as.strip() or _CARETAKERS.search(seen_as):
        return True
    return crawleruseragents.is_crawler(seen_as)


def is_prefetched(user_agent: str, purposes: Iterable[str] = ()) -> bool:
    """Whether a program has loaded a picture or opened a link of an email, rather than its reader.

    :param purposes: what the headers in which browsers say that say: `Sec-Purpose` and its like
    """
    if any(word in purpose.lower() for purpose in purposes for word in _PREFETCHING):
        return True
    return is_bot(user_agent) or _OF_MAIL.search(user_agent.strip()) is not None
