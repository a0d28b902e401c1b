"""The cpu lane in the templates: its function, who calls it, and a deployment without it or with its own image."""

import pytest

from infra.names import CPU_FUNCTION
from tests.infra.conftest import synthesize
from tests.infra.template import Assembly, Resource, Template, text

IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/darkroom-cpu:1.2"


@pytest.fixture(scope="module")
def function(core: Template) -> Resource:
    return core.function(CPU_FUNCTION)


@pytest.fixture(scope="module")
def on_the_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """A deployment whose previews run on the endpoint."""
    context = {"stage": "test", "preview_on": "endpoint", "alarm_email": "someone@example.com"}
    return synthesize(tmp_path_factory.mktemp("endpoint"), context)


@pytest.fixture(scope="module")
def own_image(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """A deployment with an image that was pushed before, and reserved concurrency."""
    context = {"stage": "test", "cpu_image": IMAGE, "cpu_architecture": "x86_64", "cpu_concurrency": "20"}
    return synthesize(tmp_path_factory.mktemp("image"), context)


def test_a_new_account_may_make_the_function(function: Resource) -> None:
    assert function["MemorySize"] <= 3008
    assert function["Timeout"] == 900
    assert "ReservedConcurrentExecutions" not in function, "an account with ten executions in all has none to reserve"


def test_an_attempt_is_one_event_and_its_end_is_told_to_both_topics(core: Template, function: Resource) -> None:
    invoke = core.only("Lambda::EventInvokeConfig", "Previews")
    assert invoke["MaximumRetryAttempts"] == 0, "the retry policy of jobs repeats attempts, and counts them"
    assert invoke["MaximumEventAgeInSeconds"] == 300
    assert text(invoke["DestinationConfig"]["OnFailure"]["Destination"]).startswith("ContainerError")
    assert text(function["Environment"]["Variables"]["SUCCESS_TOPIC_ARN"]).startswith("ContainerSuccess")


def test_dispatch_alone_calls_the_function(core: Template) -> None:
    called = core.function_id(CPU_FUNCTION)
    roles = [name for name, _ in core.of_type("IAM::Role") if core.role_may(name, "lambda:InvokeFunction", called)]
    assert [name for name in roles if name.startswith("Events")] == [core.function("dispatch")["Role"]["Fn::GetAtt"][0]]
    assert not [name for name in roles if not name.startswith(("Events", "Custom"))]
    variables = core.function("dispatch")["Environment"]["Variables"]
    assert (variables["PREVIEW_ON"], text(variables["CPU_FUNCTION"])) == ("lambda", called)


@pytest.mark.parametrize("name", ["dispatch", "finished", CPU_FUNCTION])
def test_lambda_does_not_stop_the_loops_that_jobs_make(core: Template, name: str) -> None:
    # A job that waits is sent to its queue by the function that reads it, again and again; a retry goes round, too.
    assert core.function(name)["RecursiveLoop"] == "Allow"


def test_an_attempt_has_less_time_than_the_function(core: Template, function: Resource) -> None:
    limit = int(core.function("dispatch")["Environment"]["Variables"]["CPU_SECONDS"])
    assert limit < function["Timeout"]
    assert float(function["Environment"]["Variables"]["MAX_VIDEO_SECONDS"]) < limit


def test_previews_cost_what_lambda_asks_for(core: Template, function: Resource) -> None:
    hour = float(core.function("ended")["Environment"]["Variables"]["CPU_USD_PER_HOUR"])
    assert hour == pytest.approx(0.0000133334 * function["MemorySize"] / 1024 * 3600, rel=0.01)


@pytest.mark.parametrize("name", ["OldPreviews", "LostFailures", "Errorscpu"])
def test_the_lane_has_alarms(core: Template, name: str) -> None:
    ((_, alarm),) = core.of_type("CloudWatch::Alarm", f"Alarms{name}")
    assert text(alarm["Properties"]["Dimensions"][0]["Value"]) == core.function_id(CPU_FUNCTION)
    assert alarm["Properties"]["AlarmActions"]


def test_the_endpoint_has_no_instance_for_a_previews_sake(cloud: Assembly, on_the_endpoint: Assembly) -> None:
    for assembly, engines in ((cloud, '["models"]'), (on_the_endpoint, '["models","preview"]')):
        variables = assembly["gpu"].only("SageMaker::Model")["PrimaryContainer"]["Environment"]
        assert variables["REPORTED_ENGINES"].replace(" ", "") == engines


def test_previews_on_the_endpoint_need_no_function(on_the_endpoint: Assembly) -> None:
    core = on_the_endpoint["core"]
    assert not [name for name, each in core.of_type("Lambda::Function") if each["Properties"].get("PackageType")]
    assert not [name for name, _ in core.of_type("CloudWatch::Alarm") if "Previews" in name]
    variables = core.function("dispatch")["Environment"]["Variables"]
    assert variables["PREVIEW_ON"] == "endpoint"
    assert not variables.get("CPU_FUNCTION")
    assert "lambda:InvokeFunction" not in core.function_actions("dispatch")
    assert on_the_endpoint.images("core") == []


def test_an_image_of_the_operators_needs_no_docker(own_image: Assembly) -> None:
    core = own_image["core"]
    function = core.function(CPU_FUNCTION)
    assert own_image.images("core") == []
    assert text(function["Code"]["ImageUri"]).startswith("111122223333.dkr.ecr.eu-west-1.")
    assert text(function["Code"]["ImageUri"]).endswith("/darkroom-cpu:1.2")
    assert (function["Architectures"], function["ReservedConcurrentExecutions"]) == (["x86_64"], 20)


def test_on_this_machine_the_function_runs_from_the_checkout(local: Template) -> None:
    function = local.function(CPU_FUNCTION)
    assert function["Handler"] == "containers.cpu.function.handler"
    assert "PackageType" not in function
