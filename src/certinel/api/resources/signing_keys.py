"""The keys that sign tokens, for the operator: which there are, a new one, one that counts no more."""

from typing import Final, Self

from fastapi import Request, Response
from pydantic import Field

from certinel.api.authentication import ActingCaller, requires
from certinel.api.pagination import link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime
from certinel.api.routing import router as router_for
from certinel.domain.role import Role
from certinel.services.key_rotation import KeyInUse

PATH: Final = "/certinel/signingKeys"

router = router_for("keys")
_READERS: Final = requires(Role.TENANT_MANAGEMENT_READ, Role.TENANT_MANAGEMENT_ADMIN, in_management=True)
_WRITERS: Final = requires(Role.TENANT_MANAGEMENT_ADMIN, in_management=True)


class SigningKeyAnswer(Answer):
    """A key of which signatures are accepted; its public half is in `/.well-known/jwks.json`."""

    id: str = Field(description="The `kid` of the tokens it signs.")
    algorithm: str
    creation_time: ContractTime
    end_time: ContractTime | None = Field(default=None, description="When what it has signed is valid no more.")
    current: bool = Field(description="Whether it signs now.")
    self: str

    @classmethod
    def of(cls, key: KeyInUse, request: Request) -> Self:
        """Describe ``key``."""
        return cls(
            id=key.kid,
            algorithm=key.algorithm,
            creation_time=key.created_at,
            end_time=key.retired_at,
            current=key.is_current,
            self=link(request, "certinel", "signingKeys", key.kid),
        )


class SigningKeys(Answer):
    """All keys in use, the newest first; there are few, so they are not paged."""

    signing_keys: list[SigningKeyAnswer]
    self: str


@router.get(PATH, dependencies=[_READERS])
async def list_signing_keys(request: Request, platform: Served) -> SigningKeys:
    """List the keys that sign or have signed tokens which are still valid."""
    async with platform.database.reading() as tx:
        keys = await platform.keys.list_of(tx)
    answers = [SigningKeyAnswer.of(key, request) for key in keys]
    return SigningKeys(signing_keys=answers, self=link(request, "certinel", "signingKeys"))


@router.post(PATH, dependencies=[_WRITERS], status_code=201)
async def rotate_signing_keys(
    request: Request, response: Response, platform: Served, by: ActingCaller
) -> SigningKeyAnswer:
    """Make a new key that signs at once; what the key before has signed stays valid for `token.key_overlap_days`."""
    async with platform.database.transaction() as tx:
        made = await platform.keys.rotate(tx, by)
    answer = SigningKeyAnswer.of(made, request)
    response.headers["Location"] = answer.self
    return answer


@router.delete(PATH + "/{kid:segment}", dependencies=[_WRITERS], status_code=204, responses=documented_error(404, 409))
async def withdraw_signing_key(platform: Served, by: ActingCaller, kid: str) -> None:
    """Accept nothing any more that this key has signed; 409 for the one that signs now."""
    async with platform.database.transaction() as tx:
        await platform.keys.withdraw(tx, kid, by)
