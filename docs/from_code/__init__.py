"""The parts of the reference that are made of the code while the pages are built, so that they cannot be out of date.

A page says where with a line ``<!-- from code: settings -->``. What comes there is Markdown like the rest of the page.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata

from from_code import commands, refusals, rest, roles, settings, smartrest, tenant_options

PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "settings": settings.markdown,
    "commands": commands.markdown,
    "rest": rest.markdown,
    "smartrest": smartrest.markdown,
    "refusals": refusals.markdown,
    "roles": roles.markdown,
    "tenant options": tenant_options.markdown,
}
_PLACE: Final = re.compile(r"^<!-- from code: (.+?) -->$", re.MULTILINE)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Put the parts into the pages as they are read."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _fill(_app: Sphinx, page: str, source: list[str]) -> None:
    def part(found: re.Match[str]) -> str:
        make = PARTS.get(found[1])
        if make is None:
            raise ExtensionError(f"{page}: nothing is made of the code under the name {found[1]!r}")
        return make()

    source[0] = _PLACE.sub(part, source[0])
