"""Why a chain can connect, or why not. Not part of the original contract."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends
from pydantic import AwareDatetime, Field

from certinel.api.authentication import Caller
from certinel.api.explanation_answer import ExplanationAnswer
from certinel.api.json_body import JsonBody
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Received
from certinel.api.resources.chain_verification import certificates_in, tenant_to_name
from certinel.api.resources.trusted_certificates import READERS
from certinel.api.routing import router as router_for
from certinel.services import explanation
from certinel.services.explanation import ChainQuestion

router = router_for("trusted certificates")
PATH: Final = "/certinel/explanations"
MAX_CHAIN_CHARACTERS: Final = 256 * 1024
"""Several times what a device may present, so that one that presents too much is told so."""
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Moments beyond which not every library knows what time it is."""


class ChainToExplain(Received):
    """A chain as a device would send it."""

    chain: str = Field(max_length=MAX_CHAIN_CHARACTERS, description="Certificates in PEM, the device's own first.")
    client_id: str | None = Field(
        default=None, max_length=1024, description="The MQTT client id; without it the name in the device certificate."
    )
    tenant: str | None = Field(
        default=None, description="The tenant that the device names in its MQTT user name; the caller's own, if any."
    )
    at: Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)] | None = Field(
        default=None, description="Another moment than now; trust, registration and revocation are those of now."
    )


@router.post(PATH, dependencies=[READERS], responses=documented_error(404))
async def explain_chain(
    platform: Served,
    principal: Caller,
    question: Annotated[ChainToExplain, Depends(JsonBody(ChainToExplain))],
) -> ExplanationAnswer:
    """Tell what a connect with this chain would end with, why, and what to do. Changes nothing.

    A chain that belongs to another tenant, or to none, is explained as if the caller's tenant were alone here, with
    the faults that it has by itself. The management tenant sees everything.
    """
    return ExplanationAnswer.of(
        explanation.explain(
            platform,
            ChainQuestion(
                presented=certificates_in(question.chain),
                client_id=question.client_id,
                tenant=await tenant_to_name(platform, principal, question.tenant),
                at=question.at.astimezone(UTC) if question.at is not None else None,
            ),
            principal.tenant,
        )
    )
