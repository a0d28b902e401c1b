"""Registry of the operators' commands: the module of each and its help for ``darkroom --help``.

The entry points ``darkroom.commands`` in pyproject.toml name these constants. A command's own module is imported when
the command runs, so that listing the commands loads neither boto3 nor rich.
"""

from darkroom.cli.lazy import LazyCommand

MODELS = LazyCommand("infra.commands.models", "Manage the models engine's models: list, fetch, verify, check, push.")
DEMO = LazyCommand("infra.commands.demo", "Run one kind on a sample, in a temporary local stack.")
UP = LazyCommand("infra.commands.stack:up", "Start the local stack.")
DOWN = LazyCommand("infra.commands.stack:down", "Stop the local stack; its state is kept.")
STATUS = LazyCommand("infra.commands.stack:status", "Show the stack's addresses and its health.")
LOGS = LazyCommand("infra.commands.logs", "Show what functions and container of the stack wrote.")
DEPLOY = LazyCommand("infra.commands.deploy.group", "Check, watch and try a deployment on AWS.")
