"""The alarms of single accounts of providers. Their number follows from PROVIDERS, and a template's size is limited."""

from collections.abc import Iterable
from typing import Any, Final

from infra.stages import PROJECT

_SHARE: Final = {"Statistic": "Average", "Period": 86_400, "ComparisonOperator": "GreaterThanThreshold"}
# The part of the name before the account's → what CloudWatch is asked for beside what all of them have.
ALARMS: Final[dict[str, dict[str, Any]]] = {
    "bounces": {
        "MetricName": "HardBounceShare",
        "Threshold": 0.05,
        "AlarmDescription": "Of a day's mail of this account, more than one of twenty bounced: it may be suspended.",
        **_SHARE,
    },
    "complaints": {
        "MetricName": "ComplaintShare",
        "Threshold": 0.001,
        "AlarmDescription": "Of a day's mail of this account, more than one of a thousand was called spam: it may be"
        " suspended.",
        **_SHARE,
    },
    "unattributed": {
        "MetricName": "ReportsUnattributed",
        "Threshold": 10,
        "AlarmDescription": "Genuine reports of this account are about nobody that we know.",
        "Statistic": "Sum",
        "Period": 900,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    },
}


def apply(client: Any, environment: str, accounts: Iterable[str], topic_arn: str, *, is_on: bool) -> None:
    """Make the alarms of these accounts, which tell the topic if they are on, and delete those of other accounts.

    `client` is one of CloudWatch.
    """
    wanted = {_name(environment, kind, account): (kind, account) for account in accounts for kind in ALARMS}
    for name, (kind, account) in wanted.items():
        client.put_metric_alarm(
            AlarmName=name,
            Namespace="EmailsMinder",
            Dimensions=[
                {"Name": "service", "Value": f"{PROJECT}-{environment}"},
                {"Name": "provider", "Value": account},
            ],
            EvaluationPeriods=1,
            TreatMissingData="notBreaching",
            ActionsEnabled=is_on,
            AlarmActions=[topic_arn],
            **ALARMS[kind],
        )
    _delete(client, [name for name in _known(client, environment) if name not in wanted])


def silence(client: Any, environment: str) -> None:
    """Let the alarms tell nobody."""
    if names := _known(client, environment):
        client.disable_alarm_actions(AlarmNames=names)


def delete(client: Any, environment: str) -> None:
    """Delete the alarms of every account."""
    _delete(client, _known(client, environment))


def _delete(client: Any, names: list[str]) -> None:
    for start in range(0, len(names), 100):  # the most that one request may name
        client.delete_alarms(AlarmNames=names[start : start + 100])


def _known(client: Any, environment: str) -> list[str]:
    pages = [
        page
        for kind in ALARMS
        for page in client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=_name(environment, kind, ""))
    ]
    return [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]


def _name(environment: str, kind: str, account: str) -> str:
    return f"{PROJECT}-{environment}-{kind}-{account.replace(':', '-')}"
