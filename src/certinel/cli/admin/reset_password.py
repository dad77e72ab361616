"""``certinel admin reset-password``: for the day on which nobody can sign in any more."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from certinel.cli.admin.printing import Cell, print_done, print_json
from certinel.cli.admin.questions import NewPasswordFile, first_line, generated
from certinel.cli.terminal import EXIT_USAGE, CommandError, this_program


def reset_password(
    data_dir: Annotated[Path | None, typer.Option(help="Data directory of the node, which must be stopped.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose user it is.")] = "t1000",
    user: Annotated[str, typer.Option(help="The name of the user.")] = "admin",
    database: Annotated[
        str | None, typer.Option(help="postgresql://… when the platform uses it; its nodes may be running.")
    ] = None,
    new_password_file: NewPasswordFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with the password if it was made up.")] = False,
) -> None:
    """Give a person another password, directly in the database, and enable them.

    The password is made up and printed once, unless a file or standard input has it. Everything the person was signed
    in to ends, and the audit log says that the platform itself did it. While a node runs on SQLite this is refused: an
    administrator who can sign in uses `certinel admin user password`, or the node is stopped for a moment.
    """
    from certinel.domain.errors import DeviceIdentityError
    from certinel.storage.errors import StorageError

    password = generated() if new_password_file is None else first_line(new_password_file)
    try:
        with _held_database(data_dir, database) as url:
            notes = asyncio.run(_reset(url, tenant, user, password))
    except (StorageError, DeviceIdentityError) as error:
        raise CommandError(str(error)) from None
    shown = {"password": password} if new_password_file is None else {}
    if as_json:
        print_json({"tenant": tenant, "user": user, **shown, "notes": notes})
        return
    rows: dict[str, Cell] = {name: f"{value}  (shown only now)" for name, value in shown.items()}
    print_done(f"{tenant}/{user} has another password", rows | {f"note {at}": note for at, note in enumerate(notes, 1)})


@contextmanager
def _held_database(data_dir: Path | None, database: str | None) -> Iterator[str]:
    """Yield the address of the database; one in a data directory is held, so that no node starts meanwhile."""
    from certinel.config import WrongSettingError, load
    from certinel.wiring import logs
    from certinel.wiring.data_directory import DataDirectory, DataDirectoryInUseError

    given = {"data_dir": data_dir, "database": database}
    try:
        settings = load({name: value for name, value in given.items() if value is not None}, None)
        logs.configure(settings.log)  # the new end of the audit log is noted on standard error, as a node notes it
        if settings.database is not None:
            yield settings.database.get_secret_value()
            return
        directory = DataDirectory(settings.data_dir.absolute())
        if not directory.database.is_file():
            raise CommandError(f"there is no database {directory.database}", EXIT_USAGE)
        with directory.owned():
            yield f"sqlite:///{directory.database}"
    except DataDirectoryInUseError as error:
        remedy = f"stop it first, or let an administrator use: {this_program()} admin user password"
        raise CommandError(f"{error}; {remedy}") from None
    except WrongSettingError as error:
        raise CommandError(str(error), EXIT_USAGE) from None


async def _reset(url: str, tenant: str, user: str, password: str) -> list[str]:
    """Set the password and return what the operator should know besides."""
    from certinel.domain.identifiers import TenantId
    from certinel.services.clock import SystemClock
    from certinel.services.password_reset import reset_password as reset
    from certinel.services.passwords import Passwords
    from certinel.storage.engine import Database

    database = await Database.open(url)
    try:
        if fault := await database.schema_fault():
            raise CommandError(f"{database.place}: {fault}")
        password_hash = await Passwords().hash_new(password)
        async with database.transaction() as tx:
            done = await reset(tx, TenantId(tenant), user, password_hash, SystemClock().now())
    finally:
        await database.close()
    notes = [] if done.was_enabled else ["the user was disabled, and is enabled now"]
    if not done.is_administrator:
        notes.append("the user is no administrator")
    if not done.tenant.is_active:
        notes.append(f"the tenant {tenant} is suspended: nobody of it can sign in before it is resumed")
    return notes
