"""Style sheets, scripts and pictures: read once, named by their content, kept by browsers for a year.

All of them lie below one folder whose name is the hash of them all, so that they can refer to each other by name.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER: Final = Path(__file__).parent / "static"
MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_A_YEAR: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, also compressed."""

    media_type: str
    content: bytes
    compressed: bytes


class Assets:
    """All files, and the address that they are served under."""

    def __init__(self) -> None:
        files = sorted(path for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES)
        self._assets = {path.name: _asset(path) for path in files}
        everything = b"".join(name.encode() + asset.content for name, asset in self._assets.items())
        self._version = hashlib.sha256(everything).hexdigest()[:16]

    def address(self, name: str) -> str:
        """Return where the file ``name`` is; a name that is not there is a mistake of ours and raises."""
        if name not in self._assets:
            raise KeyError(name)
        return f"/ui/static/{self._version}/{name}"

    async def answer(self, request: Request) -> Response:
        """Serve a file. One of another version is gone: its page was made by another release."""
        asset = self._assets.get(request.path_params["name"])
        if asset is None or request.path_params["version"] != self._version:
            return PlainTextResponse("There is no such file.\n", status_code=404)
        is_compressed = "gzip" in request.headers.get("accept-encoding", "")
        headers = {"Cache-Control": FOR_A_YEAR, "Vary": "Accept-Encoding"}
        if is_compressed:
            headers["Content-Encoding"] = "gzip"
        content = asset.compressed if is_compressed else asset.content
        return Response(content, headers=headers, media_type=asset.media_type)


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(MEDIA_TYPES[path.suffix], content, gzip.compress(content, mtime=0))
