"""Every error of the domain and the services is answered on purpose."""

import importlib
import pkgutil
from collections.abc import Iterator

import certinel.domain
import certinel.services
from certinel.api.errors import STATUS_BY_ERROR
from certinel.domain.certificate import MalformedCertificateError
from certinel.domain.device_token import MalformedClaimsError
from certinel.domain.errors import DeviceIdentityError
from certinel.services.secrets import SealedSecretUnreadableError


def test_every_refusal_has_a_row() -> None:
    for package in (certinel.domain, certinel.services):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    own_fault = {SealedSecretUnreadableError}
    never_leaves_its_caller = {MalformedCertificateError, MalformedClaimsError}
    for kind in subclasses(DeviceIdentityError):
        if kind.__module__.startswith(("certinel.domain.", "certinel.services.")):
            assert any(parent in STATUS_BY_ERROR for parent in kind.mro()) or kind in (
                own_fault | never_leaves_its_caller
            ), kind


def subclasses(kind: type) -> Iterator[type]:
    for below in kind.__subclasses__():
        yield below
        yield from subclasses(below)
