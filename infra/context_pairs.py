"""Context pairs: the ``-c KEY=VALUE`` options of a command line."""

from collections.abc import Iterable

from infra.config import ConfigError


def parse_context(pairs: Iterable[str]) -> dict[str, str]:
    """Return the values of a command line's ``KEY=VALUE`` pairs, the last of a key. Raises ``ConfigError``.

    >>> parse_context(["stage=test", "image=a=b"])
    {'stage': 'test', 'image': 'a=b'}
    """
    context = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"wants KEY=VALUE, not {pair!r}")
        context[key] = value
    return context
