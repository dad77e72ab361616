"""Is this node alive, is it ready: for load balancers and supervisors, so without authentication and without detail."""

import asyncio
from datetime import timedelta
from typing import Final, Literal

import structlog
from fastapi import Response

from certinel.api.platform_of import Served
from certinel.api.problems import Problem, documented_error, problem_response
from certinel.api.representation import Answer
from certinel.api.routing import router as router_for
from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.services import tenants
from certinel.storage.errors import StorageError

READY_TIMEOUT: Final = timedelta(seconds=2)
"""A database that takes longer to answer nothing is not ready; supervisors ask every few seconds."""

logger = structlog.get_logger(__name__)
router = router_for("health")


class Health(Answer):
    """All that a stranger needs to know."""

    status: Literal["UP"] = "UP"


@router.get("/health")
async def health() -> Health:
    """Answer as long as the process serves requests."""
    return Health()


@router.get("/health/ready", response_model=Health, responses=documented_error(503))
async def ready(platform: Served) -> Health | Response:
    """Answer 200 when the database can be read and devices are admitted, else 503."""
    try:
        async with asyncio.timeout(READY_TIMEOUT.total_seconds()), platform.database.reading() as tx:
            await tenants.get(tx, MANAGEMENT_TENANT)
    except (StorageError, tenants.TenantNotFoundError, TimeoutError) as error:
        logger.warning("health.not_ready", reason=str(error))
        return problem_response(Problem(503, "general/Service Unavailable", "The database cannot be reached."))
    if platform.trust_keeper.is_stale:
        return problem_response(
            Problem(503, "general/Service Unavailable", "The list of trusted certificates is stale.")
        )
    return Health()
