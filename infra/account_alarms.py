"""The alarms of single accounts of providers: as many as PROVIDERS has accounts, which no template knows."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from infra.stages import PROJECT

# A share of few mails says nothing: one bounce of three is a third. It counts from this many mails a day on, and from
# two reports on, because one complaint of a hundred mails would be ten times what is too much.
MAILS_AT_LEAST: Final = 100
_SHARE: Final = f"IF(mails >= {MAILS_AT_LEAST} AND mails * share > 1.5, share, 0)"
_DAY_S: Final = 86_400
# The part of the name before the account's → what CloudWatch is asked for beside what all of them have.
ALARMS: Final[dict[str, dict[str, Any]]] = {
    "bounces": {
        "MetricName": "HardBounceShare",
        "Threshold": 0.05,
        "AlarmDescription": "Of a day's mail of this account, more than one of twenty bounced: it may be suspended.",
        "ComparisonOperator": "GreaterThanThreshold",
    },
    "complaints": {
        "MetricName": "ComplaintShare",
        "Threshold": 0.001,
        "AlarmDescription": "Of a day's mail of this account, more than one of a thousand was called spam: it may be"
        " suspended.",
        "ComparisonOperator": "GreaterThanThreshold",
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
            EvaluationPeriods=1,
            TreatMissingData="notBreaching",
            ActionsEnabled=is_on,
            AlarmActions=[topic_arn],
            **_measured(ALARMS[kind], environment, account),
        )
    _delete(client, [name for name in _known(client, environment) if name not in wanted])


def _measured(alarm: Mapping[str, Any], environment: str, account: str) -> dict[str, Any]:
    """The alarm over the account's metric; over its share of a day's mails, if it says no other statistic."""
    metric = {
        "Namespace": "EmailsMinder",
        "MetricName": alarm["MetricName"],
        "Dimensions": [
            {"Name": "service", "Value": f"{PROJECT}-{environment}"},
            {"Name": "provider", "Value": account},
        ],
    }
    if "Statistic" in alarm:
        return {**alarm, **metric}
    return {
        **{key: value for key, value in alarm.items() if key != "MetricName"},
        "Metrics": [
            {"Id": "judged", "Expression": _SHARE, "Label": alarm["MetricName"], "ReturnData": True},
            _of_a_day("share", metric, "Average"),
            _of_a_day("mails", metric, "SampleCount"),
        ],
    }


def _of_a_day(name: str, metric: Mapping[str, Any], statistic: str) -> dict[str, Any]:
    stat = {"Metric": metric, "Period": _DAY_S, "Stat": statistic}
    return {"Id": name, "MetricStat": stat, "ReturnData": False}


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
