"""Tables of devices that this node works on, for the pages that show how far they are. In memory."""

from collections import OrderedDict
from typing import Final

from certinel.domain.identifiers import TenantId
from certinel.services.bulk_registration import BulkResult

MAX_WATCHED: Final = 100
"""Further ones are worked on all the same; the oldest cannot be looked at any more."""


class Uploads:
    """What becomes of the rows, by a number that the browser chose."""

    def __init__(self) -> None:
        self._results: OrderedDict[tuple[TenantId, str], BulkResult] = OrderedDict()

    def begin(self, tenant: TenantId, number: str) -> BulkResult:
        """Return where to write what becomes of a new table."""
        result = self._results[tenant, number] = BulkResult()
        if len(self._results) > MAX_WATCHED:
            self._results.popitem(last=False)
        return result

    def find(self, tenant: TenantId, number: str) -> BulkResult | None:
        """Return what has become of a table so far."""
        return self._results.get((tenant, number))

    def end(self, tenant: TenantId, number: str) -> None:
        """Forget a table that was worked on to its end."""
        self._results.pop((tenant, number), None)
