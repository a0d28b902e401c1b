"""Job processing between upload and outcome: the event-driven and scheduled functions."""

from aws_cdk import Duration, Stack
from aws_cdk.aws_events import Rule, Schedule
from aws_cdk.aws_events_targets import LambdaFunction
from aws_cdk.aws_lambda_event_sources import SnsEventSource
from constructs import Construct

from handlers.endpoint import cold_start, endpoint_history, gpu_spend, running_videos
from handlers.settings.dispatch import DispatchSettings
from handlers.settings.finished import FinishedSettings
from handlers.settings.sweep import SweepSettings
from handlers.settings.uploaded import UploadedSettings
from infra.config import Config
from infra.constructs.assets import Assets
from infra.constructs.cpu_lane import CpuLane
from infra.constructs.event_sources import FailedInvocations, invoke_from_queue
from infra.constructs.functions import Functions, allow, allow_in_own_policy, allow_rows
from infra.constructs.jobs import DUE, Jobs
from infra.constructs.ledger import Ledger
from infra.constructs.nag_findings import acknowledge
from infra.constructs.storage import Storage
from infra.constructs.worker_resources import WorkerResources
from infra.names import ASSETS, INVOCATIONS, OUTCOMES, RESULTS, UPLOADS

# Enough for hundreds of jobs a second; the endpoint is the bottleneck. Without a maximum, one caller who uses a form
# again and again could take all of the account's concurrency, the API's with it. The maximum has a price: Lambda keeps
# five pollers for an idle queue, where it could do with two, about $0.16 a month for each queue (``infra.costs``).
CONCURRENCY = 10
LOCAL_CONCURRENCY = 2  # each is a local process; two use the machine's cores best


class JobProcessing(Construct):
    """Functions ``uploaded`` → ``dispatch`` → (a lane) → ``finished``, and ``sweep`` every minute for stalled
    jobs and expired connections.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's own name
        *,
        config: Config,
        functions: Functions,
        storage: Storage,
        jobs: Jobs,
        container: WorkerResources,
        ledger: Ledger,
        library: Assets,
        cpu_lane: CpuLane | None,
    ) -> None:
        super().__init__(scope, id)
        concurrency = LOCAL_CONCURRENCY if config.local else CONCURRENCY
        table = jobs.table.table_arn
        retry = {
            "jobs_table": jobs.table.table_name,
            "queue_url": jobs.queue.queue_url,
            "dead_letter_queue_url": jobs.dead_letters.queue_url,
            "retry_delay_seconds": config.retry_delay_seconds,
            "queue_seconds": config.queue_seconds,
            "queue_limit_seconds": config.queue_limit_seconds,
            "invocation_seconds": config.invocation_seconds,
            "video_seconds": config.video_seconds,
            "instance_usd_per_hour": config.instance_usd_per_hour,
            "cpu_usd_per_hour": config.cpu_usd_per_hour,
            "cpu_seconds": config.cpu_seconds,
        }
        send_job = allow(["sqs:SendMessage"], [jobs.queue.queue_arn])
        send_dead_letter = allow(["sqs:SendMessage"], [jobs.dead_letters.queue_arn])
        endpoint = Stack.of(self).format_arn(
            service="sagemaker", resource="endpoint", resource_name=config.endpoint_name
        )
        former = Stack.of(self).format_arn(service="sagemaker", resource="endpoint", resource_name=config.stack_name)
        read_write_cold_starts = allow_rows(
            ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            jobs.sockets.table_arn,
            [cold_start.partition(config.endpoint_name)],
            config=config,
        )
        videos = [running_videos.partition(config.endpoint_name)]

        self.uploaded = functions.add_function(
            self,
            "uploaded",
            environment=UploadedSettings.environment(
                jobs_table=jobs.table.table_name,
                bucket=storage.bucket.bucket_name,
                queue_url=jobs.queue.queue_url,
                ledger_table=ledger.table.table_name,
                assets_table=library.table.table_name,
                cache_days=config.cache_days,
                queue_seconds=config.queue_seconds,
            ),
            statements=[
                allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [table, library.table.table_arn]),
                allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [ledger.table.table_arn]),
                allow(["s3:GetObject", "s3:DeleteObject"], [storage.arn(UPLOADS), storage.arn(ASSETS)]),
                storage.allow_list_bucket(),
                send_job,
            ],
        )
        storage.allow_replacing_uploads(self, self.uploaded)
        storage.notify_of_uploads(jobs.uploads)
        invoke_from_queue(self.uploaded, jobs.uploads, batch_size=10, max_concurrency=concurrency)

        self.dispatch = functions.add_function(
            self,
            "dispatch",
            environment=DispatchSettings.environment(
                **retry,
                bucket=storage.bucket.bucket_name,
                deployment=config.stack_name,
                endpoint_name=config.endpoint_name,
                sockets_table=jobs.sockets.table_name,
                look_seconds=config.look_seconds,
                invocation_ttl_seconds=config.invocation_ttl_seconds,
                preview_on=config.preview_on,
                cpu_function=cpu_lane.function.function_name if cpu_lane else "",
                cpu_event_seconds=config.cpu_event_seconds,
                drafts=config.drafts,
            ),
            recursive=True,
            statements=[
                allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [table]),
                allow(["s3:PutObject"], [storage.arn(INVOCATIONS)]),
                allow(["sagemaker:InvokeEndpointAsync", "sagemaker:DescribeEndpoint"], [endpoint]),
                read_write_cold_starts,
                allow_rows(
                    ["dynamodb:UpdateItem", "dynamodb:DeleteItem"], jobs.sockets.table_arn, videos, config=config
                ),
                allow_rows(
                    ["dynamodb:GetItem"],
                    jobs.sockets.table_arn,
                    [gpu_spend.partition(config.stack_name)],
                    config=config,
                ),
                send_job,
                send_dead_letter,
            ],
        )
        if cpu_lane is not None:
            invoke = allow(["lambda:InvokeFunction"], [cpu_lane.function.function_arn])
            allow_in_own_policy(self, "InvokeCpuLane", invoke, self.dispatch)
        invoke_from_queue(self.dispatch, jobs.queue, batch_size=10, max_concurrency=concurrency)

        self.finished = functions.add_function(
            self,
            "finished",
            environment=FinishedSettings.environment(
                **retry,
                bucket=storage.bucket.bucket_name,
                endpoint_name=config.endpoint_name,
                sockets_table=jobs.sockets.table_name,
                ledger_table=ledger.table.table_name,
                cache_days=config.cache_days,
            ),
            recursive=True,
            statements=[
                allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [table]),
                allow(["dynamodb:PutItem", "dynamodb:UpdateItem"], [ledger.table.table_arn]),
                allow(["s3:GetObject"], [storage.arn(OUTCOMES)]),
                allow(["s3:DeleteObject"], [storage.arn(RESULTS)]),
                storage.allow_list_bucket(),
                read_write_cold_starts,
                allow_rows(["dynamodb:DeleteItem"], jobs.sockets.table_arn, videos, config=config),
                send_job,
                send_dead_letter,
            ],
        )
        for topic in (container.success, container.error):
            self.finished.add_event_source(SnsEventSource(topic))
        self.finished.configure_async_invoke(
            retry_attempts=2, max_event_age=Duration.hours(1), on_failure=FailedInvocations(jobs.dead_letters)
        )

        self.sweep = functions.add_function(
            self,
            "sweep",
            timeout=50,  # ends before the next one starts
            environment=SweepSettings.environment(
                **retry,
                sockets_table=jobs.sockets.table_name,
                deployment=config.stack_name,
                endpoint_name=config.endpoint_name,
            ),
            statements=[
                allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [table]),
                allow(["dynamodb:Query"], [f"{table}/index/{DUE}"]),
                allow_rows(
                    ["dynamodb:GetItem"],
                    jobs.sockets.table_arn,
                    [cold_start.partition(config.endpoint_name)],
                    config=config,
                ),
                allow_rows(
                    ["dynamodb:GetItem", "dynamodb:UpdateItem"],
                    jobs.sockets.table_arn,
                    [endpoint_history.partition(config.stack_name)],
                    config=config,
                ),
                # Endpoints of other instance types, and the one of 0.1 and 0.2, which had the deployment's name.
                allow(["sagemaker:DescribeEndpoint"], [former, f"{former}-*"]),
                send_job,
                send_dead_letter,
            ],
        )
        acknowledge(
            self,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:endpoint/"
            f"{config.stack_name}-*]",
            reason="The endpoints of a deployment, each of which has its instance type in its name.",
        )
        Rule(
            self,
            "EveryMinute",
            schedule=Schedule.rate(Duration.minutes(1)),
            targets=[LambdaFunction(self.sweep, retry_attempts=0)],
        )
