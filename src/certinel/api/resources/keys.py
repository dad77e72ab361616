"""The public keys with which anybody can verify our device tokens."""

from typing import Final

from fastapi import Response
from pydantic import BaseModel, ConfigDict

from certinel.api.platform_of import Served
from certinel.api.representation import Answer
from certinel.api.routing import router as router_for
from certinel.services import tokens

router = router_for("keys")

CACHE: Final = "public, max-age=300"
"""A new key signs for longer than this before an old one goes; verifiers may keep the set that long."""


class KeyAnswer(BaseModel):
    """One public key (RFC 7517, 4); the further members depend on its type."""

    model_config = ConfigDict(extra="allow")

    kty: str
    kid: str
    alg: str
    use: str


class KeysAnswer(Answer):
    """A set of keys (RFC 7517, 5)."""

    keys: list[KeyAnswer]


@router.get("/.well-known/jwks.json")
async def get_keys(platform: Served, response: Response) -> KeysAnswer:
    """Return the public keys of device tokens; everybody may ask."""
    async with platform.database.reading() as tx:
        keys = await tokens.public_keys(tx, platform.clock.now())
    response.headers["Cache-Control"] = CACHE
    return KeysAnswer.model_validate(keys)
