"""Runs a module in a process that ends with its parent: ``python -m infra.local.endpoint.exit_with_parent MODULE``.

The parent holds the write end of standard input and never writes to it. On every system, it is closed when the parent
ends, however that happens.
"""

import os
import runpy
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


def main() -> None:
    """Run the module named on the command line."""
    threading.Thread(target=_end_with_parent, name="guard", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
