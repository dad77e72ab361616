"""The keys that sign tokens: made once, stored sealed, published for verification.

A key has one algorithm for life. The algorithm that a token names never chooses how it is verified (RFC 8725, 3.1).
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from joserfc import jwk, jws
from joserfc.errors import JoseError

from certinel.domain.audit import PLATFORM, Actor, AuditEntry, AuditType
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


class UnknownKeyError(TokenRefusedError):
    """A token names a key that this node does not know, which another node may have made a moment ago."""


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
        """Sign with the newest key of ``algorithm`` that has no end yet; verify with all of them until theirs."""
        self._by_kid: Mapping[str, SigningKey] = {key.kid: key for key in keys}
        signing = [key for key in self._by_kid.values() if key.algorithm is algorithm and key.retired_at is None]
        self._current = max(signing, key=lambda key: (key.created_at, key.kid))

    def sign(self, claims: Json) -> str:
        """Return the compact JWT with ``claims`` in the order given."""
        key = self._current
        payload = json.dumps(claims, separators=(",", ":"))
        return jws.serialize_compact(_header(key), payload, key.pair, [key.algorithm.value])

    def verify(self, token: str, at: datetime) -> Json:
        """Return the claims of a token that one of these keys signed; lifetime and meaning are *not* checked here.

        :raises UnknownKeyError: it names a key that is not one of these, or not any more.
        :raises TokenRefusedError: it is anything else.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise TokenRefusedError("too long")
        try:
            signed = jws.extract_compact(token.encode("ascii"))
            key = self._key_for(signed.headers(), at)
            if not all(_is_canonical(part) for part in token.split(".")):
                raise TokenRefusedError("not written as we write")
            if not jws.validate_compact(signed, key.pair, [key.algorithm.value]):
                raise TokenRefusedError("the signature does not match")
            claims = json.loads(signed.payload)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise TokenRefusedError(f"not readable: {type(error).__name__}") from error
        if not isinstance(claims, dict):
            raise TokenRefusedError("the claims are no object")
        return claims

    def _key_for(self, header: Json, at: datetime) -> SigningKey:
        """Find the key by its id; a header that says more or else than ours (jwk, jku, x5u, crit, alg) is refused."""
        kid = header.get("kid")
        key = self._by_kid.get(kid) if isinstance(kid, str) else None
        if key is None or (key.retired_at is not None and key.retired_at <= at):
            raise UnknownKeyError("signed by an unknown key")
        if header != _header(key):
            raise TokenRefusedError("the header is not one of ours")
        return key


def _is_canonical(part: str) -> bool:
    """Tell whether ``part`` is the one way to write its bytes in base64url (RFC 4648, 3.5): no two texts, one token."""
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    return base64.urlsafe_b64encode(decoded).rstrip(b"=").decode("ascii") == part


def _header(key: SigningKey) -> Json:
    return {"alg": key.algorithm.value, "typ": "JWT", "kid": key.kid}


async def load(tx: Transaction, sealer: Sealer, at: datetime) -> list[SigningKey]:
    """Open every key that is in use."""
    return [_opened(stored, sealer) for stored in await signing_keys.in_use(tx, at)]


async def ensure(tx: Transaction, sealer: Sealer, algorithm: SigningAlgorithm, at: datetime) -> None:
    """Make a key that signs with ``algorithm`` unless there is one; nodes that start at once make one together."""
    await tenants.lock(tx, MANAGEMENT_TENANT)
    in_use = await signing_keys.in_use(tx, at)
    if not any(stored.algorithm == algorithm.value and stored.retired_at is None for stored in in_use):
        await add(tx, sealer, algorithm, at, PLATFORM)


async def add(tx: Transaction, sealer: Sealer, algorithm: SigningAlgorithm, at: datetime, by: Actor) -> SigningKey:
    """Make a key and store it sealed."""
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
    record(tx, key.kid, key.algorithm, "made", at, by)
    return key


def record(tx: Transaction, kid: str, algorithm: str, verb: str, at: datetime, by: Actor) -> None:
    """Write down what was done to a key."""
    audit.record(
        tx,
        AuditEntry(
            tenant=MANAGEMENT_TENANT,
            by=by,
            type=AuditType.SYSTEM,
            source=kid,
            activity=f"Signing key for device tokens {verb}.",
            text=f"Key id: '{kid}'.\n Algorithm='{algorithm}'",
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
