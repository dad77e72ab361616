"""What a tenant has set: checks of revocation, lists of CAs, lifetimes of tokens; and what the operator has set."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from starlette.responses import Response

from certinel.domain.authority_list import MAX_LIST_BYTES
from certinel.domain.device_token import MAX_LIFETIME, MIN_LIFETIME, parse_lifetime
from certinel.domain.distinguished_name import text_of_der
from certinel.domain.revocation import OFFLINE_CHECK, ONLINE_CHECK
from certinel.domain.tenant_option import COOKIE_TOKEN_LIFETIME, DEVICE_TOKEN_LIFETIME, TenantOption
from certinel.domain.user_token import parse_user_lifetime
from certinel.services import authority_lists, revocation, tenant_options
from certinel.services.tenant_options import TenantOptionNotFoundError
from certinel.storage.engine import Transaction
from certinel.storage.page import PageRequest
from certinel.ui.files import download
from certinel.ui.forms import Form
from certinel.ui.rights import CHANGE_OPTIONS, CHANGE_TRUST, SEE_OPTIONS, SEE_TRUST
from certinel.ui.routing import FaultError, Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

SETTINGS: Final = "/ui/settings"
ENTRIES: Final = 20
LISTS: Final = 100
"""Lists of CAs on the page; a tenant with more uses REST."""
MAX_SENT_BYTES: Final = MAX_LIST_BYTES * 3 // 2 + 64 * 1024
"""The largest list as PEM, with some certificates, in a form."""
MAX_DIGITS: Final = 20
"""Of the number of a list."""
CRL: Final = "application/pkix-crl"

SWITCHES: Final[Mapping[str, tuple[str, str]]] = {"offline": OFFLINE_CHECK, "online": ONLINE_CHECK}
LIFETIMES: Final[Mapping[str, tuple[str, str]]] = {"device": DEVICE_TOKEN_LIFETIME, "people": COOKIE_TOKEN_LIFETIME}


@pages.show("/settings", SEE_TRUST)
async def show_settings(visit: Visit) -> Response:
    """Show everything that is set, each with what it does."""
    tenant = visit.session.tenant
    known = visit.platform.trust.revocation(tenant)
    async with visit.platform.database.reading() as tx:
        request = PageRequest(visit.page_number, ENTRIES, with_total_elements=True)
        entries = await revocation.list_of(tx, tenant, request)
        lists = await authority_lists.list_of(tx, tenant, PageRequest(1, LISTS))
        lifetimes = await _lifetimes(visit, tx) if visit.may(SEE_OPTIONS) else {}
    return visit.page(
        "settings/settings.html",
        title=ENGLISH("settings.title"),
        lead=ENGLISH("settings.lead"),
        entries=entries,
        lists=lists.items,
        checks={"offline": known.offline_check, "online": known.online_check},
        lifetimes=lifetimes,
        least=int(MIN_LIFETIME.total_seconds()),
        most=int(MAX_LIFETIME.total_seconds()),
        policy=visit.platform.policy,
        options=visit.platform.options,
        issuer_text=text_of_der,
    )


async def _lifetimes(visit: Visit, tx: Transaction) -> dict[str, timedelta]:
    return {
        "device": parse_lifetime(await _in_force(visit, tx, DEVICE_TOKEN_LIFETIME)),
        "people": parse_user_lifetime(await _in_force(visit, tx, COOKIE_TOKEN_LIFETIME)),
    }


async def _in_force(visit: Visit, tx: Transaction, option: tuple[str, str]) -> str | None:
    try:
        return (await tenant_options.get_in_force(tx, visit.session.tenant, *option)).value
    except TenantOptionNotFoundError:
        return None


@pages.act("/settings/checks", CHANGE_OPTIONS)
async def switch_checks(visit: Visit, form: Form) -> Response:
    """Switch one of the checks on or off."""
    name, option = next((one for one in SWITCHES.items() if one[0] in form.lists), ("offline", OFFLINE_CHECK))
    is_on = form.text(name) == "on"
    await _set(visit, option, "true" if is_on else "false")
    return visit.go(f"{SETTINGS}#checks", f"settings.said.{name}-{'on' if is_on else 'off'}")


@pages.act("/settings/lifetimes", CHANGE_OPTIONS)
async def set_lifetimes(visit: Visit, form: Form) -> Response:
    """Set how long tokens live that are given from now on."""
    for name, option in LIFETIMES.items():
        seconds = form.text(name)
        least, most = int(MIN_LIFETIME.total_seconds()), int(MAX_LIFETIME.total_seconds())
        if not (seconds.isascii() and seconds.isdigit() and least <= int(seconds[:MAX_DIGITS]) <= most):
            raise FaultError(
                ENGLISH("settings.lifetime-wrong", name=ENGLISH(f"settings.{name}"), least=least, most=most)
            )
        await _set(visit, option, seconds)
    return visit.go(f"{SETTINGS}#tokens", "settings.said.lifetimes")


async def _set(visit: Visit, option: tuple[str, str], value: str) -> None:
    async with visit.platform.database.transaction() as tx:
        wanted = TenantOption(visit.session.tenant, *option, value)
        await tenant_options.put(tx, visit.platform, wanted, visit.session.actor)


@pages.show("/settings/revocation.crl", SEE_TRUST)
async def download_list(visit: Visit) -> Response:
    """Hand out the tenant's own list, signed anew."""
    der = await revocation.signed_list(visit.platform, visit.session.tenant)
    return download(der, CRL, visit.session.tenant, ".crl")


# ---- lists of CAs


@pages.act("/settings/authority-lists", CHANGE_TRUST, max_bytes=MAX_SENT_BYTES)
async def upload_list(visit: Visit, form: Form) -> Response:
    """Take the current revocation list of a CA."""
    files = form.files.get("file", ())
    if not files:
        raise FaultError(ENGLISH("files.none"))
    stored = await authority_lists.upload(visit.platform, visit.session.tenant, files[0].file, visit.session.actor)
    return visit.go(f"{SETTINGS}#authority-lists", "settings.said.uploaded", name=stored.issuer.subject_text)


@pages.act("/settings/authority-lists/{number}/delete", CHANGE_TRUST)
async def delete_list(visit: Visit, _: Form) -> Response:
    """Forget a list: what only it names is no longer revoked."""
    async with visit.platform.database.transaction() as tx:
        await authority_lists.delete(tx, visit.platform, visit.session.tenant, _number(visit), visit.session.actor)
    return visit.go(f"{SETTINGS}#authority-lists", "settings.said.list-deleted")


@pages.show("/settings/authority-lists/{number}/file", SEE_TRUST)
async def download_authority_list(visit: Visit) -> Response:
    """Hand out a list as it was uploaded."""
    async with visit.platform.database.reading() as tx:
        known = await authority_lists.get(tx, visit.session.tenant, _number(visit))
        der = await authority_lists.file_of(tx, visit.session.tenant, known.id)
    return download(der, CRL, known.issuer.subject_text, ".crl")


def _number(visit: Visit) -> int:
    text = visit.request.path_params["number"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < MAX_DIGITS else 0
