"""The REST application of a node."""

from typing import Final

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.routing import Route

from certinel.api.errors import install_error_answers
from certinel.api.headers import AnswerHeaders
from certinel.api.openapi import document_of
from certinel.api.paths import ContractPaths
from certinel.api.resources import (
    audit_records,
    bulk_registration,
    chain_verification,
    connection_attempts,
    device_credentials,
    devices,
    expiries,
    explanations,
    features,
    groups,
    health,
    identity,
    inventory,
    inventory_children,
    keys,
    measurements,
    metrics,
    new_device_requests,
    overview,
    possession,
    rehearsals,
    revocation,
    revocation_lists,
    signing_in,
    signing_keys,
    system_options,
    tenant_options,
    tenant_users,
    tenants,
    trusted_certificates,
    users,
)
from certinel.services.platform import Platform

API_VERSION: Final = "0.9"
"""The version of the contract, as its media types name it (``ver=0.9``)."""

ROUTERS: Final = (
    trusted_certificates.router,
    revocation.router,
    revocation_lists.router,
    possession.router,
    chain_verification.router,
    explanations.router,
    connection_attempts.router,
    devices.router,
    expiries.router,
    rehearsals.router,
    overview.router,
    tenant_options.router,
    system_options.router,
    features.router,
    tenants.router,
    signing_in.router,
    users.router,
    tenant_users.router,
    groups.router,
    identity.router,
    inventory.router,
    inventory_children.router,
    measurements.router,
    bulk_registration.router,
    new_device_requests.router,
    device_credentials.router,
    audit_records.router,
    keys.router,
    signing_keys.router,
    health.router,
    metrics.router,
)


def create_app(platform: Platform) -> FastAPI:
    """Return the application that serves ``platform``; it opens and closes nothing of its own."""
    app = FastAPI(
        title="certinel",
        version=API_VERSION,
        openapi_url=None,  # our own route, below: the document is completed first
        docs_url=None,  # these pages load from other hosts
        redoc_url=None,
        redirect_slashes=False,
        routes=[route for router in ROUTERS for route in router.routes],
    )
    app.state.platform = platform
    app.router.routes.append(Route("/openapi.json", lambda _: JSONResponse(document_of(app))))
    install_error_answers(app)
    app.add_middleware(ContractPaths)
    app.add_middleware(AnswerHeaders)
    return app
