"""Small charts that stand in a line of text or in a table."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH, _GAP, _HEIGHT = 4, 1, 24
# What is not nothing can be seen.
_LEAST = 2


def trend(counts: Sequence[int], label: str) -> SafeString:
    """Bars for `counts`, the oldest first; `label` says what they are, the rest is read out."""
    most = max(counts, default=0)
    bars = [
        (place * (_WIDTH + _GAP), _HEIGHT - height, height)
        for place, count in enumerate(counts)
        if (height := max(round(_HEIGHT * count / most), _LEAST) if count else 0)
    ]
    rects = format_html_join(
        "", '<rect x="{}" y="{}" width="4" height="{}" fill="currentColor"/>', bars
    )
    said = f"{label}: {', '.join(f'{count:,}' for count in counts)}"
    width = max(len(counts) * (_WIDTH + _GAP), _WIDTH)
    return format_html(
        '<svg class="text-primary-600 dark:text-primary-500" role="img" aria-label="{0}" '
        'width="{1}" height="{2}" viewBox="0 0 {1} {2}"><title>{0}</title>{3}</svg>',
        said,
        width,
        _HEIGHT,
        rects,
    )
