"""Job-ended processing: the function that updates the ledger, and the event bus with an event per ended job."""

from aws_cdk import Duration
from aws_cdk.aws_events import EventBus
from aws_cdk.aws_lambda import FilterCriteria, StartingPosition
from aws_cdk.aws_lambda_event_sources import DynamoEventSource
from constructs import Construct

from darkroom.contract.jobs import State
from handlers.settings.ended import EndedSettings
from infra.config import Config
from infra.constructs.event_sources import FailedRecords
from infra.constructs.functions import Functions, allow
from infra.constructs.jobs import Jobs
from infra.constructs.ledger import Ledger
from infra.constructs.storage import Storage
from infra.names import INTERMEDIATES, RESULTS

RECORD_AGE = Duration.hours(12)  # retried for half of the stream's retention, since the ledger must be complete


class JobEnded(Construct):
    """``function`` handles the stream records of ended jobs; ``bus`` carries an event for each."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's own name
        *,
        config: Config,
        functions: Functions,
        jobs: Jobs,
        ledger: Ledger,
        storage: Storage,
    ) -> None:
        super().__init__(scope, id)
        self.bus = EventBus(self, "Bus", event_bus_name=config.stack_name, description="Darkroom: jobs that ended")
        self.function = functions.add_function(
            self,
            "ended",
            environment=EndedSettings.environment(
                ledger_table=ledger.table.table_name,
                bucket=storage.bucket.bucket_name,
                event_bus=self.bus.event_bus_name,
                dead_letter_queue_url=jobs.dead_letters.queue_url,
                instance_usd_per_hour=config.instance_usd_per_hour,
                cpu_usd_per_hour=config.cpu_usd_per_hour,
            ),
            statements=[
                allow(["dynamodb:UpdateItem"], [ledger.table.table_arn]),
                allow(["events:PutEvents"], [self.bus.event_bus_arn]),
                allow(["sqs:SendMessage"], [jobs.dead_letters.queue_arn]),
                allow(["s3:DeleteObject"], [storage.arn(INTERMEDIATES), storage.arn(RESULTS)]),
                storage.allow_list_bucket(),  # also to list a job's objects
            ],
        )
        # A state of a newer version passes, as it may be terminal; the function ignores jobs that have not ended.
        is_open = [state.value for state in State if not state.terminal]
        self.function.add_event_source(
            DynamoEventSource(
                jobs.table,
                starting_position=StartingPosition.TRIM_HORIZON,
                batch_size=25,
                filters=[
                    FilterCriteria.filter({"dynamodb": {"NewImage": {"state": {"S": [{"anything-but": is_open}]}}}}),
                ],
                retry_attempts=-1,
                bisect_batch_on_error=True,
                max_record_age=RECORD_AGE,
                report_batch_item_failures=True,
                on_failure=FailedRecords(jobs.dead_letters),
            )
        )
