"""Proxies of the AWS SDK in the operators' commands: those that Darkroom's SDK would use."""

from darkroom.client.environment_proxy import environment_proxy
from darkroom.client.errors import EnvironmentVariableError


def aws_proxies(url: str) -> dict[str, str]:
    """Return botocore's ``proxies`` for an endpoint; empty without a proxy.

    Raises ``EnvironmentVariableError`` for a proxy that the AWS SDK cannot use. botocore's own message for it would
    quote its password.
    """
    proxy = environment_proxy(url)
    if proxy is None:
        return {}
    if not proxy.startswith(("http://", "https://")):
        raise EnvironmentVariableError("The environment", "names a SOCKS proxy, which the AWS SDK cannot use.")
    return {"http": proxy, "https": proxy}
