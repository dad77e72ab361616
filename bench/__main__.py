"""``python -m bench [WHAT…] [--json]``: run the measurements, all or some of them, and print them as tables."""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import closing, connect, overload, pages, publish, recording, registration, simulator
from bench.connect import Figures

REFERENCES = {
    "connect": "mosquitto",
    "publish": "mosquitto",
    "simulator": "certinel",
    "recording": "deciding",
    "registration": "new",
    "pages": "goal",
}

PLAIN = ("closing", "overload")
"""Their figures are compared in themselves."""


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the hot paths against mosquitto.")
    parser.add_argument("what", nargs="*", choices=[*REFERENCES, *PLAIN, []], help="which; all by default")
    parser.add_argument("--count", type=int, default=150, help="devices in each case of connect")
    parser.add_argument("--messages", type=int, default=20_000, help="messages in each round of publish")
    parser.add_argument("--devices", type=int, default=100_000, help="of the file of registration, and of pages")
    parser.add_argument("--rounds", type=int, default=4, help="how often the servers take turns; the median counts")
    parser.add_argument("--sessions", type=int, default=10_000, help="live sessions in closing")
    parser.add_argument("--certificates", type=int, default=10_000, help="trusted certificates of the tenant of pages")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    what = arguments.what or [*REFERENCES, *PLAIN]
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory() as directory:
        measurements = _measurements(arguments, Path(directory), progress.log)
        results = {name: measurements[name]() for name in measurements if name in what}
    if arguments.json:
        json.dump({"machine": platform.machine(), "python": platform.python_version(), **results}, sys.stdout, indent=2)
        return
    console = Console()
    for name, title in (
        ("connect", "milliseconds of CPU for one connect (in brackets: times mosquitto's)"),
        ("publish", "acknowledged QoS 1 messages for one second of CPU (in brackets: times mosquitto's)"),
        (
            "simulator",
            "microseconds of CPU, of the node and of the simulator that drives it (in brackets: times the node's)",
        ),
        ("recording", "microseconds for a refused connect (in brackets: times deciding)"),
        ("registration", "devices of one file, at first and when it is sent again (in brackets: times the first)"),
        ("pages", "milliseconds until a page is answered and painted (in brackets: times the goal)"),
    ):
        if results.get(name):
            console.print(_table(title, results[name], REFERENCES[name]))
    for case, figures in results.get("closing", {}).items():
        table = Table(*figures, title=case)
        table.add_row(*(_short(figure) for figure in figures.values()))
        console.print(table)
    if "overload" in results:
        console.print(_plain_table("a device that connects while others are busy", results["overload"]))


def _measurements(
    arguments: argparse.Namespace, directory: Path, progress: Callable[[str], None]
) -> Mapping[str, Callable[[], Mapping[str, Figures]]]:
    count, messages, rounds = arguments.count, arguments.messages, arguments.rounds
    return {
        "connect": partial(connect.measure, directory, count=count, rounds=rounds, progress=progress),
        "publish": partial(publish.measure, directory, count=messages, rounds=rounds, progress=progress),
        "simulator": partial(
            simulator.measure, directory, count=count, messages=messages, rounds=rounds, progress=progress
        ),
        "closing": partial(closing.measure, directory, count=arguments.sessions, progress=progress),
        "overload": partial(overload.measure, directory, progress=progress),
        "recording": partial(recording.measure, directory, progress=progress),
        "pages": partial(
            pages.measure,
            directory,
            certificates=arguments.certificates,
            devices=arguments.devices,
            progress=progress,
        ),
        "registration": partial(registration.measure, directory, count=arguments.devices, progress=progress),
    }


def _plain_table(title: str, figures: Mapping[str, Figures]) -> Table:
    table = Table("", *next(iter(figures.values())), title=title)
    for case, found in figures.items():
        table.add_row(case, *(_short(figure) for figure in found.values()))
    return table


def _table(title: str, figures: Mapping[str, Figures], reference: str) -> Table:
    servers = list(next(iter(figures.values())))
    table = Table("", *servers, title=title)
    for case, by_server in figures.items():
        one = by_server[reference]
        table.add_row(case, *(f"{_short(by_server[name])} ({by_server[name] / one:.2f})" for name in servers))
    return table


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}"


if __name__ == "__main__":
    main()
