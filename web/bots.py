"""Robots: they look at pages, but they are nobody's contact."""

import re
from functools import lru_cache

import crawleruseragents

# Whoever runs a website lets these look after it.
_CARETAKERS = re.compile(r"AlwaysOn|Health-?Check|GoogleHC|kube-probe", re.IGNORECASE)


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """Whether a known robot sends this User-Agent, or whoever sends none.

    A headless browser is none of them: it runs the page as a person's does, and it is what the
    tests of a website use.
    """
    seen_as = user_agent.replace("HeadlessChrome/", "Chrome/")
    if not seen_as.strip() or _CARETAKERS.search(seen_as):
        return True
    return crawleruseragents.is_crawler(seen_as)
