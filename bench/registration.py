"""Bulk registration: how many devices a second, and how much memory, for a file of many rows.

There is no peer that does this; the second pass, over devices that exist, is compared with the first.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.node import Node, started_node

PATH = "/devicecontrol/bulkNewDeviceRequests"
GROUPS = 50


def measure(directory: Path, *, count: int, progress: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Register ``count`` devices from one file, then send the same file again."""
    content = _file_of(count).encode()
    with started_node(directory / "registration") as node:
        progress(f"registration: a file of {len(content) / 2**20:.1f} MiB for a node of {_peak_mib(node):.0f} MiB")
        passes = {name: _sent(node, content, count) for name in ("new", "again")}
    progress(f"registration: done, {passes}")
    return {
        figure: {name: figures[figure] for name, figures in passes.items()}
        for figure in ("devices a second", "peak memory of the node in MiB")
    }


def _file_of(count: int) -> str:
    rows = (
        f"device-{n:07};CERTIFICATES;Device {n};pump;plant/line {n % GROUPS};true;value-{n}\n" for n in range(count)
    )
    return "ID;AUTH_TYPE;NAME;TYPE;PATH;com_cumulocity_model_Agent.active;example.place\n" + "".join(rows)


def _peak_mib(node: Node) -> float:
    status = Path(f"/proc/{node.program.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _sent(node: Node, content: bytes, count: int) -> dict[str, float]:
    before = time.monotonic()
    with node.rest() as rest:
        response = rest.post(PATH, files={"file": ("devices.csv", content)}, timeout=3600)
    seconds = time.monotonic() - before
    assert response.status_code == 201, response.text
    assert response.json()["numberOfSuccessful"] == count, response.text[:300]
    return {"devices a second": count / seconds, "peak memory of the node in MiB": _peak_mib(node)}
