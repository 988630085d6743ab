"""Pages of long tables, without counting them."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.text import capfirst

from adminsite.counting import count_up_to, estimated_rows, say_count

# How many rows are counted, and how many can be paged through. Filters lead further.
COUNTED_ROWS = 10_000


class EstimatedCountPaginator(Paginator):
    """A paginator whose cost does not grow with the table.

    It counts at most COUNTED_ROWS rows. Beyond those, a whole table (`is_whole_table`) has the
    size that PostgreSQL last estimated, and a filtered one "more than" COUNTED_ROWS.
    """

    template_name = "adminsite/pagination.html"
    is_whole_table = False
    # How many rows were found in time, where others were not looked at.
    found_in_time: int | None = None
    object_list: QuerySet

    @cached_property
    def count(self) -> int:
        if self.found_in_time is not None:
            return self.found_in_time
        if self.is_whole_table and (estimate := self._estimate()) > COUNTED_ROWS:
            return estimate
        return count_up_to(self.object_list, COUNTED_ROWS)

    @cached_property
    def num_pages(self) -> int:
        return min(super().num_pages, COUNTED_ROWS // self.per_page)

    @property
    def is_cut(self) -> bool:
        """Whether there are rows beyond the last page."""
        return self.count > COUNTED_ROWS

    @property
    def reachable_rows(self) -> str:
        return f"{COUNTED_ROWS:,}"

    @property
    def count_text(self) -> str:
        """The number of rows with their name, such as “12 contacts” or “About 1,200 contacts”."""
        meta = self.object_list.model._meta
        noun = meta.verbose_name if self.count == 1 else meta.verbose_name_plural
        if self.found_in_time is not None:
            return f"{min(self.count, COUNTED_ROWS):,} {noun} found so far"
        if self.is_cut and self.is_whole_table:
            return capfirst(f"about {_rounded(self.count):,} {noun}")
        return capfirst(f"{say_count(self.count, COUNTED_ROWS)} {noun}")

    def _estimate(self) -> int:
        return estimated_rows(self.object_list.model._meta.db_table, using=self.object_list.db)


def _rounded(number: int) -> int:
    step = 10 ** max(len(str(number)) - 3, 0)
    return number // step * step
