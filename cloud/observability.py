"""Logger of the functions, and the metric of the GPU's cost.

X-Ray is enabled by the stack only (context key ``tracing``): patching the SDK with aws_xray_sdk would add a third to
every import. Nothing here imports the contract, whose models are a tenth of a cold start: some functions need none.
"""

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from cloud.log_format import LogFormatter

NAMESPACE = "Darkroom"
GPU_SPEND = "GpuSpendToday"

# The stack names the function as ``service``.
logger = Logger(logger_formatter=LogFormatter())


def report_gpu_spend(endpoint: str, usd: float) -> None:
    """Report the cost of an endpoint's instances since midnight UTC."""
    with single_metric(name=GPU_SPEND, unit=MetricUnit.NoUnit, value=usd, namespace=NAMESPACE) as metric:
        metric.add_dimension("endpoint", endpoint)
