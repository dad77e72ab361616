"""The toolkit as a person runs it, and what openssl and keytool say of its work."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from certinel.cli import app


class Toolkit:
    """``certinel pki`` in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str | Path, text: str | bytes | None = None, **environment: str) -> Result:
        return CliRunner().invoke(app, ["pki", *(str(word) for word in words)], input=text, env=environment)

    def succeeds(self, *words: str | Path, text: str | bytes | None = None, **environment: str) -> str:
        result = self.run(*words, text=text, **environment)
        assert result.exit_code == 0, f"{result.output}\n{result.exception}"
        return result.output

    def complains(self, *words: str | Path, text: str | bytes | None = None, **environment: str) -> str:
        result = self.run(*words, text=text, **environment)
        assert result.exit_code != 0, result.output
        return f"{result.output}{result.exception}"


@pytest.fixture
def toolkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolkit:
    monkeypatch.chdir(tmp_path)
    return Toolkit(tmp_path)
