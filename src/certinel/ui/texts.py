"""Every word that the pages say, by key. A language is a file in ``texts/``; so far there is English.

What the platform itself says (sentences and remedies of refusals) is in ``domain.errors``, for all who show it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "texts"


class Texts:
    """The texts of one language. Calling it with a key that is not there is a mistake of ours and raises."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    @classmethod
    def load(cls, language: str) -> "Texts":
        """Read the file of ``language``: its tables become the parts of the keys, joined by dots."""
        return cls(dict(_flat(tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8")))))

    def __call__(self, key: str, **facts: object) -> str:
        """Return the text of ``key`` with ``facts`` put in; with a ``count`` and two forms, the one that fits.

        Plain text: whoever puts it into a page escapes it.
        """
        if "count" in facts and key not in self._texts:
            key = f"{key}.one" if facts["count"] == 1 else f"{key}.other"
        return self._texts[key].format_map(facts)

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


ENGLISH: Final = Texts.load("en")
