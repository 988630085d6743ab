"""A user who has a keyboard alone."""

from tests.browser.waiting import wait_for

# While nothing has the focus, the whole body counts as active, and it has every text of the page.
_FOCUSED = """(({ activeElement: one, body }) =>
    one === body ? "" : one.getAttribute("aria-label") || one.textContent.trim()
)(document)"""
_MOST_STEPS = 80


def focused(page):
    """What a screen reader says of the element that has the focus, or "" if none has it."""
    return page.evaluate(_FOCUSED)


def wait_for_focus(page, text):
    """Wait until what has the focus is called so, in part."""
    wait_for(page, f"({_FOCUSED}).includes(arg)", text)


def tab_to(page, text, key="Tab"):
    """Press `key` until what has the focus is called so, in part."""
    for _ in range(_MOST_STEPS):
        if text in focused(page):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{text} was not reached, but {focused(page)}")
