"""Pages ask for the same rights as REST: what a page may do, REST may, and nothing more."""

import pytest

from certinel.api.app import ROUTERS
from certinel.api.authentication import Requires
from certinel.api.routing import ContractRoute, _calls_of
from certinel.ui import rights
from certinel.ui.rights import Right

SAME_AS = {
    "SEE_TRUST": ("GET", "/tenant/tenants/{tenant:segment}/trusted-certificates"),
    "CHANGE_TRUST": ("POST", "/tenant/tenants/{tenant:segment}/trusted-certificates"),
    "SEE_OPTIONS": ("GET", "/tenant/options"),
    "CHANGE_OPTIONS": ("POST", "/tenant/options"),
    "SEE_DEVICES": ("GET", "/inventory/managedObjects"),
    "CHANGE_DEVICES": ("PUT", "/certinel/devices/{device:segment}"),
    "SEE_REGISTRATION": ("GET", "/devicecontrol/newDeviceRequests"),
    "REGISTER": ("POST", "/devicecontrol/bulkNewDeviceRequests"),
    "SEE_USERS": ("GET", "/user/{tenant:segment}/users"),
    "CHANGE_USERS": ("POST", "/user/{tenant:segment}/users"),
    "SEE_TENANTS": ("GET", "/tenant/tenants"),
    "CHANGE_TENANTS": ("POST", "/tenant/tenants"),
}
RIGHTS = {name: value for name, value in vars(rights).items() if isinstance(value, Right)}


def required_by_rest(method: str, path: str) -> Requires:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, ContractRoute)]
    (route,) = [route for route in routes if route.path == path and method in (route.methods or ())]
    (required,) = [call for call in _calls_of(route.dependant) if isinstance(call, Requires)]
    return required


@pytest.mark.parametrize("name", RIGHTS)
def test_right_is_the_one_of_the_same_call_of_rest(name: str) -> None:
    required = required_by_rest(*SAME_AS[name])
    right = RIGHTS[name]
    assert (set(right.roles), right.in_management) == (set(required.roles), required.in_management)
