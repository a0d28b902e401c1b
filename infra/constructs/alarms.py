"""CloudWatch alarms and the SNS topic that they notify."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import Alarm, ComparisonOperator, IMetric, TreatMissingData
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_lambda import Function
from aws_cdk.aws_sns import Topic
from aws_cdk.aws_sns_subscriptions import EmailSubscription
from constructs import Construct

from infra.config import Config
from infra.constructs.cpu_lane import CpuLane
from infra.constructs.jobs import Jobs

STALLED_SECONDS = 15 * 60
LATE_PUSH_SECONDS = 30
LATE_ENDED_SECONDS = 5 * 60


class Alarms(Construct):
    """Alarm topic, and alarms for dead letters, failing functions, stalled queues and late streams."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's own name
        *,
        config: Config,
        jobs: Jobs,
        functions: Sequence[Function],
        push: Function,
        ended: Function,
        cpu_lane: CpuLane | None,
    ) -> None:
        super().__init__(scope, id)
        self.topic = Topic(self, "Topic", enforce_ssl=not config.local)
        self.topic.add_to_resource_policy(
            PolicyStatement(
                principals=[ServicePrincipal("cloudwatch.amazonaws.com"), ServicePrincipal("budgets.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.topic.env.account}},
            )
        )
        if config.alarm_email:
            self.topic.add_subscription(EmailSubscription(config.alarm_email))
        minute = Duration.minutes(1)
        self.add_alarm(
            self,
            "DeadLetters",
            jobs.dead_letters.metric_approximate_number_of_messages_visible(period=minute, statistic="Maximum"),
            threshold=0,
            periods=1,
            text="The dead-letter queue has messages: read them, fix the cause, redrive.",
        )
        for function in functions:
            self.add_alarm(
                self,
                f"Errors-{function.node.id}",
                function.metric_errors(period=minute),
                threshold=0,
                periods=3,
                text=f"The function {function.node.id} has failed in three consecutive minutes.",
            )
        for name, queue in (("Uploads", jobs.uploads), ("Jobs", jobs.queue)):
            self.add_alarm(
                self,
                f"Stalled{name}",
                queue.metric_approximate_age_of_oldest_message(period=minute, statistic="Maximum"),
                threshold=STALLED_SECONDS,
                periods=1,
                text=f"The oldest message in the {name.lower()} queue has waited for more than 15 minutes.",
            )
        # A function that fails only a part of its batch reports no error, so the iterator's age is watched instead.
        for name, function, late_seconds, text in (
            ("LateNews", push, LATE_PUSH_SECONDS, "Job updates reach WebSocket clients more than 30 s late."),
            ("LateBooks", ended, LATE_ENDED_SECONDS, "Statistics, budgets and events are more than 5 minutes late."),
        ):
            self.add_alarm(
                self,
                name,
                function.metric("IteratorAge", period=minute, statistic="Maximum"),
                threshold=late_seconds * 1000,
                periods=3,
                text=text,
            )

        if cpu_lane is not None:
            self._watch_cpu_lane(cpu_lane.function, config.cpu_event_seconds)

    def _watch_cpu_lane(self, function: Function, event_seconds: int) -> None:
        """Add the alarms of a lane that is too busy, or whose failures are not heard of."""
        five = Duration.minutes(5)
        self.add_alarm(
            self,
            "OldPreviews",
            function.metric("AsyncEventAge", period=five, statistic="Maximum"),
            threshold=event_seconds * 1000 / 2,
            periods=1,
            text="A preview has waited for half of its time limit: the lane's or the account's concurrency is used up.",
        )
        self.add_alarm(
            self,
            "LostFailures",
            function.metric("DestinationDeliveryFailures", period=five, statistic="Sum"),
            threshold=0,
            periods=1,
            text="Lambda could not report a failed preview: its job waits for its deadline.",
        )

    def add_alarm(
        self,
        scope: Construct,
        name: str,
        metric: IMetric,
        *,
        threshold: float,
        comparison: ComparisonOperator = ComparisonOperator.GREATER_THAN_THRESHOLD,
        periods: int,
        text: str,
    ) -> None:
        """Add an alarm to ``scope`` that notifies the topic after ``periods`` consecutive breaches.

        Missing data counts as not breaching.
        """
        alarm = Alarm(
            scope,
            name,
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=periods,
            treat_missing_data=TreatMissingData.NOT_BREACHING,
            alarm_description=text,
        )
        alarm.add_alarm_action(SnsAction(self.topic))
