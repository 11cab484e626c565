"""Lists in pages: `?n=` and `?last=`, and the `Link` to the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from starlette.requests import Request

from local_azure.registry.errors import RegistryError

_LONGEST, _USUAL = 1000, 100

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """What a client asks for.

    Attributes:
        path: Of the list.
        query: The client's other parameters, kept in the link to the next page.
        after: The last item of the page before.
        limit: Items at most, from 1 to 1000.
    """

    path: str
    query: dict[str, str]
    after: str
    limit: int

    @classmethod
    def asked(cls, request: Request) -> Page:
        """Read the parameters.

        Raises:
            RegistryError: 400 `PAGINATION_NUMBER_INVALID`.
        """
        query = dict(request.query_params)
        after, wanted = query.pop("last", ""), query.pop("n", "")
        if wanted and not (wanted.isascii() and wanted.isdecimal() and int(wanted[:9]) > 0):
            raise RegistryError(
                400, "PAGINATION_NUMBER_INVALID", f"n={wanted[:20]}; expected 1 to {_LONGEST}."
            )
        limit = min(int(wanted[:9]), _LONGEST) if wanted else _USUAL
        return cls(request.url.path, query, after, limit)

    def cut(
        self, found: Sequence[T], key: Callable[[T], str]
    ) -> tuple[Sequence[T], dict[str, str]]:
        """The page, and the header for the next one.

        Args:
            found: The items after `after`.
            key: What `last` says of an item.
        """
        if len(found) <= self.limit:
            return found, {}
        shown = found[: self.limit]
        query = urlencode({**self.query, "n": self.limit, "last": key(shown[-1])})
        return shown, {"Link": f'<{self.path}?{query}>; rel="next"'}
