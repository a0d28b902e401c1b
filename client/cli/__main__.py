"""``python -m client.cli`` is ``darkroom``."""

from client.cli import main

main()
