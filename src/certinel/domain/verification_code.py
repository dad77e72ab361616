"""The text that a tenant signs to prove that it holds the private key of a certificate."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

CODE_BYTES = 120
"""Random bytes in a code: 160 characters of base64, without padding."""

CODE_LIFETIME = timedelta(days=14)
"""How long a code can be used; time enough to get a signature from whoever holds the key of a CA."""

_LINE_ENDS = (b"", b"\n", b"\r\n", b"\r")
"""What editors and browsers put after the code when they save it."""


@dataclass(frozen=True, slots=True)
class VerificationCode:
    """A code for one tenant's upload of one certificate. It is no secret, and good for one proof."""

    text: str
    usable_until: datetime

    @classmethod
    def made_of(cls, randomness: bytes, at: datetime) -> Self:
        """Make a code of ``CODE_BYTES`` unpredictable bytes that nothing else is made of."""
        if len(randomness) != CODE_BYTES:
            msg = f"a code is made of {CODE_BYTES} bytes, not {len(randomness)}"
            raise ValueError(msg)
        return cls(base64.b64encode(randomness).decode(), at + CODE_LIFETIME)

    def is_usable(self, at: datetime) -> bool:
        """Tell whether it is not too old; its last moment is included."""
        return at <= self.usable_until

    @property
    def signable(self) -> tuple[bytes, ...]:
        """What may have been signed: the text itself, not the bytes it encodes, with any line end or none."""
        return tuple(self.text.encode() + line_end for line_end in _LINE_ENDS)
