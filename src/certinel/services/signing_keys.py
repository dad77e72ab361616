"""The keys that sign tokens: made once, stored sealed, published for verification.

A key has one algorithm for life. The algorithm that a token names never chooses how it is verified (RFC 8725, 3.1).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from joserfc import jwk, jws
from joserfc.errors import JoseError

from certinel.domain.audit import PLATFORM, AuditEntry, AuditType
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.services import audit
from certinel.services.secrets import Sealer
from certinel.storage import signing_keys, tenants
from certinel.storage.engine import Transaction

MAX_TOKEN_CHARACTERS = 4096
"""Ours are below 900; anything longer is not read."""

RSA_BITS = 3072
"""128 bits of security (SP 800-57 part 1, table 2), as P-256 has."""

Json = dict[str, Any]


class TokenRefusedError(DeviceIdentityError):
    """A token proves nothing: not ours, changed, expired, or no longer honoured; ``reason`` is for the log only."""

    code = "token/refused"

    def __init__(self, reason: str) -> None:
        super().__init__("The token is not valid.")
        self.reason = reason


class SigningAlgorithm(StrEnum):
    """How tokens can be signed (RFC 7518, 3.1)."""

    ES256 = "ES256"
    RS256 = "RS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key pair with its one algorithm."""

    kid: str
    """The key's thumbprint (RFC 7638)."""
    algorithm: SigningAlgorithm
    created_at: datetime
    retired_at: datetime | None = None
    pair: jwk.Key = field(repr=False)

    @classmethod
    def generate(cls, algorithm: SigningAlgorithm, at: datetime) -> "SigningKey":
        """Make a new key pair."""
        pair: jwk.Key
        match algorithm:
            case SigningAlgorithm.ES256:
                pair = jwk.ECKey.generate_key("P-256", private=True)
            case SigningAlgorithm.RS256:
                pair = jwk.RSAKey.generate_key(RSA_BITS, private=True)
            case _:
                assert_never(algorithm)
        return cls(kid=pair.thumbprint(), algorithm=algorithm, created_at=at, pair=pair)

    @property
    def public_json(self) -> Json:
        """The public half as JSON Web Key (RFC 7517, 4)."""
        return {**self.pair.as_dict(private=False), "kid": self.kid, "alg": self.algorithm.value, "use": "sig"}

    @property
    def private_json(self) -> bytes:
        """The whole pair, for sealing and for nothing else."""
        return json.dumps(self.pair.as_dict(private=True)).encode("ascii")


def import_pair(private_json: bytes) -> jwk.Key:
    """Read what ``SigningKey.private_json`` wrote."""
    return jwk.import_key(json.loads(private_json))


class KeyRing:
    """What a node signs with, and everything it still accepts signatures of."""

    def __init__(self, keys: Iterable[SigningKey], algorithm: SigningAlgorithm = SigningAlgorithm.ES256) -> None:
        """Sign with the newest key of ``algorithm``; retired keys are left out altogether."""
        in_use = [key for key in keys if key.retired_at is None]
        self._by_kid: Mapping[str, SigningKey] = {key.kid: key for key in in_use}
        self._current = max((key for key in in_use if key.algorithm is algorithm), key=lambda key: key.created_at)

    def sign(self, claims: Json) -> str:
        """Return the compact JWT with ``claims`` in the order given."""
        key = self._current
        payload = json.dumps(claims, separators=(",", ":"))
        return jws.serialize_compact(_header(key), payload, key.pair, [key.algorithm.value])

    def verify(self, token: str) -> Json:
        """Return the claims of a token that one of these keys signed; lifetime and meaning are *not* checked here.

        :raises TokenRefusedError: it is anything else.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise TokenRefusedError("too long")
        try:
            signed = jws.extract_compact(token.encode("ascii"))
            key = self._key_for(signed.headers())
            if not jws.validate_compact(signed, key.pair, [key.algorithm.value]):
                raise TokenRefusedError("the signature does not match")
            claims = json.loads(signed.payload)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise TokenRefusedError(f"not readable: {type(error).__name__}") from error
        if not isinstance(claims, dict):
            raise TokenRefusedError("the claims are no object")
        return claims

    def _key_for(self, header: Json) -> SigningKey:
        """Find the key by its id; a header that says more or else than ours (jwk, jku, x5u, crit, alg) is refused."""
        kid = header.get("kid")
        key = self._by_kid.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenRefusedError("signed by an unknown key")
        if header != _header(key):
            raise TokenRefusedError("the header is not one of ours")
        return key


def _header(key: SigningKey) -> Json:
    return {"alg": key.algorithm.value, "typ": "JWT", "kid": key.kid}


async def load_ring(tx: Transaction, sealer: Sealer, algorithm: SigningAlgorithm) -> KeyRing:
    """Open every key in use; there must be one of ``algorithm`` (see ``ensure``)."""
    return KeyRing([_opened(stored, sealer) for stored in await signing_keys.in_use(tx)], algorithm)


async def ensure(tx: Transaction, sealer: Sealer, algorithm: SigningAlgorithm, at: datetime) -> None:
    """Make a key of ``algorithm`` unless there is one; nodes that start at once make one together."""
    await tenants.lock(tx, MANAGEMENT_TENANT)
    if any(stored.algorithm == algorithm.value for stored in await signing_keys.in_use(tx)):
        return
    key = SigningKey.generate(algorithm, at)
    await signing_keys.add(
        tx,
        signing_keys.StoredSigningKey(
            kid=key.kid,
            algorithm=key.algorithm.value,
            public_jwk=key.public_json,
            private_sealed=sealer.seal(key.private_json, _context(key.kid)),
            created_at=key.created_at,
        ),
    )
    audit.record(
        tx,
        AuditEntry(
            tenant=MANAGEMENT_TENANT,
            by=PLATFORM,
            type=AuditType.SYSTEM,
            source=key.kid,
            activity="Signing key for device tokens made.",
            text=f"Key id: '{key.kid}'.\n Algorithm='{key.algorithm}'",
            time=at,
            recorded_at=at,
        ),
    )


def _opened(stored: signing_keys.StoredSigningKey, sealer: Sealer) -> SigningKey:
    return SigningKey(
        kid=stored.kid,
        algorithm=SigningAlgorithm(stored.algorithm),
        created_at=stored.created_at,
        retired_at=stored.retired_at,
        pair=import_pair(sealer.open(stored.private_sealed, _context(stored.kid))),
    )


def _context(kid: str) -> bytes:
    return f"signing_key/{kid}".encode()
