"""Java's keytool, for the stores that only it reads and writes: JKS, and a key together with trusted certificates."""

import os
import shutil
import subprocess
from pathlib import Path

from certinel.cli.terminal import EXIT_USAGE, CommandError

JKS_MAGIC = b"\xfe\xed\xfe\xed"
"""How a JKS store begins."""
PATIENCE_SECONDS = 60
_VARIABLE = "CERTINEL_KEYTOOL_PASSPHRASE"


def keytool(*words: str | Path, passphrase: str) -> str:
    """Run keytool, which takes ``passphrase`` from its environment as ``-storepass:env``, and return what it prints."""
    program = shutil.which("keytool")
    if program is None:
        raise CommandError("this needs keytool, which comes with every Java; it is not installed", EXIT_USAGE)
    environment = {**os.environ, _VARIABLE: passphrase, "LC_ALL": "C"}
    line = [program, "-J-Duser.language=en", *(str(word) for word in words)]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the program is found in the path
            line, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"keytool: {type(error).__name__}") from None
    if done.returncode != 0:
        raise CommandError(f"keytool: {_reason(done.stdout + done.stderr)}")
    return done.stdout


def passphrase_option(name: str) -> tuple[str, str]:
    """Return the option ``-name`` that has keytool read the passphrase from its environment."""
    return f"-{name}:env", _VARIABLE


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("Warning")]
    faults = [line for line in lines if "rror" in line or "xception" in line]
    return (faults or lines or ["it failed without a word"])[0].removeprefix("keytool error: java.lang.Exception: ")
