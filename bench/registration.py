"""Bulk registration: how many devices a second, and how much memory, for a file of many rows.

python -m bench.registration 100000
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.node import Node, started_node

PATH = "/devicecontrol/bulkNewDeviceRequests"
GROUPS = 50


def file_of(count: int) -> str:
    rows = (
        f"device-{n:07};CERTIFICATES;Device {n};pump;plant/line {n % GROUPS};true;value-{n}\n" for n in range(count)
    )
    return "ID;AUTH_TYPE;NAME;TYPE;PATH;com_cumulocity_model_Agent.active;example.place\n" + "".join(rows)


def peak_mib(node: Node) -> float:
    status = Path(f"/proc/{node.program.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def send(node: Node, content: bytes, what: str, count: int) -> None:
    before = time.monotonic()
    with node.rest() as rest:
        response = rest.post(PATH, files={"file": ("devices.csv", content)}, timeout=3600)
    seconds = time.monotonic() - before
    assert response.status_code == 201, response.text
    assert response.json()["numberOfSuccessful"] == count, response.text[:300]
    print(
        f"{what}: {count} devices in {seconds:.1f} s = {count / seconds:.0f} devices/s; peak {peak_mib(node):.0f} MiB"
    )


def main(count: int) -> None:
    content = file_of(count).encode()
    with tempfile.TemporaryDirectory() as folder, started_node(Path(folder) / "data") as node:
        print(f"a node at rest: peak {peak_mib(node):.0f} MiB; the file: {len(content) / 2**20:.1f} MiB", flush=True)
        send(node, content, "new", count)
        send(node, content, "sent again", count)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
