"""Counts and gauges of this node, for the platform's operator."""

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from certinel.api.authentication import Caller, requires
from certinel.api.problems import ForbiddenError
from certinel.api.routing import router as router_for
from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.domain.role import Role

router = router_for("metrics")


@router.get(
    "/metrics",
    dependencies=[requires(Role.TENANT_MANAGEMENT_ADMIN)],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_metrics(principal: Caller) -> Response:
    """Return this node's metrics in the Prometheus text format; only for the management tenant."""
    if principal.tenant != MANAGEMENT_TENANT:
        raise ForbiddenError
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
