"""Files under a passphrase: what comes out is what went in, or nothing."""

from io import BytesIO

import pytest

from certinel.wiring.sealed_file import MAGIC, PIECE_BYTES, SealedFileError, SealedReader, SealedWriter

PASSPHRASE = "correct horse battery staple"
SEALED_PIECE = PIECE_BYTES + 16
HEADER = len(MAGIC) + 16


def some(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def sealed(content: bytes) -> bytes:
    file = BytesIO()
    with SealedWriter(file, PASSPHRASE) as writer:  # type: ignore[arg-type]  # bytes are bytes
        for start in range(0, len(content), 300_001):
            writer.write(content[start : start + 300_001])
    return file.getvalue()


def opened(file: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return SealedReader(BytesIO(file[len(MAGIC) :]), passphrase).read()  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1])
def test_what_was_sealed_is_opened(size: int) -> None:
    content = some(size)
    file = sealed(content)
    assert file.startswith(MAGIC)
    assert opened(file) == content


def test_another_passphrase_does_not_open_it() -> None:
    with pytest.raises(SealedFileError, match="passphrase"):
        opened(sealed(b"secret"), "another one")


def test_no_part_is_changed_cut_off_or_swapped_unnoticed() -> None:
    file = sealed(some(2 * PIECE_BYTES + 5))
    first, second = file[HEADER : HEADER + SEALED_PIECE], file[HEADER + SEALED_PIECE : HEADER + 2 * SEALED_PIECE]
    last = file[HEADER + 2 * SEALED_PIECE :]
    head = file[:HEADER]
    for changed in (
        head + first,
        head + first + second,
        head + second + first + last,
        head + first + second + last[:-1],
        head + first + second[:-1] + bytes([second[-1] ^ 1]) + last,
        head[:-1] + bytes([head[-1] ^ 1]) + first + second + last,
        head + first + second + last + b"x",
        head[:-1],
    ):
        with pytest.raises(SealedFileError):
            opened(changed)
