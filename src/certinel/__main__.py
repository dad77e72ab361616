"""``python -m certinel`` is ``certinel``."""

from certinel.cli import main

main()
