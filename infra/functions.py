"""Settings of the functions that Zappa does not make. Every call may be repeated.

Those of the function itself are frozen in the next version. All others are those of the alias, by which it is called.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from infra.stages import Stage
from infra.versions import ALIAS

RETRIES = 2  # after these, an event goes to the dead-letter queue
MAX_AGE_S = 3600  # how long an event may wait for a free function; the sweep publishes again in any case


def keep_dead_letters(client: Any, stage: Stage, queue_arn: str) -> None:
    """Set the function's dead-letter queue. Zappa does so when it deploys a function, but not when it updates one."""
    name = stage.function
    configured = client.get_function_configuration(FunctionName=name).get("DeadLetterConfig", {})
    if configured.get("TargetArn") != queue_arn:
        client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": queue_arn})
        client.get_waiter("function_updated_v2").wait(FunctionName=name)


def repeat(client: Any, stage: Stage) -> None:
    """Set how often, and for how long, Lambda tries an event before it goes to the dead-letter queue."""
    client.put_function_event_invoke_config(
        FunctionName=stage.function,
        Qualifier=ALIAS,
        MaximumRetryAttempts=RETRIES,
        MaximumEventAgeInSeconds=MAX_AGE_S,
    )


def never_repeat(client: Any, stage: Stage) -> None:
    """Stop Lambda from running a failed sweep again, because the next one comes within a minute."""
    client.put_function_event_invoke_config(
        FunctionName=stage.function, Qualifier=ALIAS, MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60
    )


def update_architecture(client: Any, architecture: str) -> None:
    """Let each update of a function's code through `client` say the architecture of that code.

    Zappa 0.63.0 says it only when it makes a function. Both must change in one call, because code of another
    architecture does not start.
    """

    def say(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**params, "Architectures": [architecture]}

    client.meta.events.register("provide-client-params.lambda.UpdateFunctionCode", say)


def add_variable(client: Any, stage: Stage, name: str, value: str) -> bool:
    """Give the function an environment variable that is known only after it was deployed. Its others stay.

    Zappa keeps it when it updates the function. Returns whether that changed anything.
    """
    variables = (
        client.get_function_configuration(FunctionName=stage.function).get("Environment", {}).get("Variables", {})
    )
    if variables.get(name) == value:
        return False
    client.update_function_configuration(
        FunctionName=stage.function, Environment={"Variables": {**variables, name: value}}
    )
    client.get_waiter("function_updated_v2").wait(FunctionName=stage.function)
    return True


def subscribe(client: Any, sns: Any, stage: Stage, outputs: Mapping[str, str]) -> None:
    """Subscribe the function's alias to its lane's topic, and only then end what else of the function is subscribed.

    A message that comes twice meanwhile does no harm, and none is lost. Zappa's `events` are not used, because they
    unsubscribe the function on every update, and messages that are published at that moment are lost.
    """
    topic_arn, queue_arn = outputs[f"{stage.lane}TopicArn"], outputs["DeadLetterQueueArn"]
    with suppress(client.exceptions.ResourceConflictException):  # the function has this permission already
        client.add_permission(
            FunctionName=stage.function,
            Qualifier=ALIAS,
            StatementId="attempts-topic",
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=topic_arn,
        )
    alias_arn = client.get_alias(FunctionName=stage.function, Name=ALIAS)["AliasArn"]
    sns.subscribe(
        TopicArn=topic_arn,
        Protocol="lambda",
        Endpoint=alias_arn,
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": queue_arn})},
        ReturnSubscriptionArn=True,
    )
    function_arn = alias_arn.removesuffix(f":{ALIAS}")
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    for found in [found for page in pages for found in page["Subscriptions"]]:
        is_ours = found["Endpoint"] == function_arn or found["Endpoint"].startswith(f"{function_arn}:")
        if is_ours and found["Endpoint"] != alias_arn:
            sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
