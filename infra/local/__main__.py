"""Entry point of ``python -m infra.local``."""

from darkroom.cli.output import escape_what_streams_cannot_encode
from infra.local.cli import app

escape_what_streams_cannot_encode()
app(prog_name="python -m infra.local")
