"""Entry point of ``python -m darkroom.cli``, the same as ``darkroom``."""

from darkroom.cli import main

main()
