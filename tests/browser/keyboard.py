"""A user who has a keyboard alone."""

_FOCUSED = (
    "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
)
_MOST_STEPS = 80


def focused(page):
    """What a screen reader says of the element that has the focus."""
    return page.evaluate(_FOCUSED)


def wait_for_focus(page, text):
    """Wait until what has the focus is called so, in part."""
    page.wait_for_function(f"text => ({_FOCUSED}).includes(text)", arg=text)


def tab_to(page, text, key="Tab"):
    """Press `key` until what has the focus is called so, in part."""
    for _ in range(_MOST_STEPS):
        if text in focused(page):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{text} was not reached, but {focused(page)}")
