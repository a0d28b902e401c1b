"""Entry point of ``python -m infra.local``."""

import os
import sys
from pathlib import Path

from darkroom.cli.output import echo, escape_what_streams_cannot_encode
from darkroom.cli.unexpected_error import VARIABLE, ErrorOptions, print_traceback, report_unexpected_error
from infra.local.cli import app
from infra.local.state import FOLDER


def main() -> None:
    """Run a command. Files that cannot be read or written, as on a full disk, end it with one sentence."""
    escape_what_streams_cannot_encode()
    options = ErrorOptions(debug=bool(os.environ.get(VARIABLE)))
    try:
        app(prog_name="python -m infra.local")
    except OSError as error:
        if options.debug:
            print_traceback(error)
        where = error.filename or Path.cwd() / FOLDER
        echo(f"error: the stack's files cannot be used: {error.strerror or error}: {where}", err=True)
        sys.exit(1)
    except Exception as error:
        sys.exit(report_unexpected_error(error, options))


if __name__ == "__main__":
    main()
