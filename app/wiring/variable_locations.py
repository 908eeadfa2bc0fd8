"""The one list that says where each environment variable may stand, and what to do about one that stands elsewhere.

A deployed process has its variables from three places: `aws_environment_variables` in zappa_settings.json, which every
function has; its own secret, of which the sweep and `changes` have none; and what the deployment sets. A laptop has
them from `.env`.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from app import trace_settings
from app.domain.account import is_account, prefix_of
from app.providers import registry
from app.settings import ACCOUNT_VARIABLES, Process

SETTINGS_FILE: Final = "aws_environment_variables of zappa_settings.json"
SECRETS_FILE: Final = "the file that `python -m app.admin secrets store` divides"
ADDRESS_SECRET: Final = "ADDRESS_SECRET"  # noqa: S105 because it is the name of a variable
WEBHOOK_SECRET: Final = "WEBHOOK_SECRET"  # noqa: S105 because it is the name of a variable
# What is secret and of no provider, and which processes read it.
SECRETS: Final[Mapping[str, frozenset[Process]]] = {
    ADDRESS_SECRET: frozenset({Process.API, Process.WORKER}),
    WEBHOOK_SECRET: frozenset({Process.API, Process.DELIVERIES}),
    trace_settings.HEADERS: frozenset(Process),
}
# Those that were made once: what is stored or told hangs on them, so that they are demanded, and must not change.
MADE_ONCE: Final = (ADDRESS_SECRET, WEBHOOK_SECRET)

# What every function reads, the sweep, too. None of it is secret.
OF_EVERY_FUNCTION: Final = frozenset(
    {
        "PROVIDERS",
        "ROUTING",
        "DOMAIN_PREFERENCES",
        "RETRY_FOR_S",
        "UNCERTAIN_WAIT_S",
        "PROVIDER_TIMEOUT_S",
        "LOG_LEVEL",
        "PROJECT_CAPS",
        "RUNAWAY_GUARD",
        "SHARDS",
        "INLINE_LIMIT_BYTES",
        "API_URL",
        "AWS_ENDPOINT_URL",
        *trace_settings.PLAIN,
    }
)
# The names of what the stack has.
OF_THE_STACK: Final = (
    "TABLE_PREFIX",
    "TOPIC_ARN",
    "DELAY_QUEUE_URL",
    "NOTIFICATIONS_TOPIC_ARN",
    "NOTIFICATIONS_QUEUE_URL",
    "CONTENT_BUCKET",
)
# What the deployment sets, and where it has it from.
OF_THE_DEPLOYMENT: Final = {
    "WORKER_TIMEOUT_S": "timeout_seconds of the stages ENVIRONMENT_attempts_LANE in zappa_settings.json says it",
    "AWS_REGION": "aws_region in zappa_settings.json says it",
    "AWS_DEFAULT_REGION": "aws_region in zappa_settings.json says it",
    **dict.fromkeys(OF_THE_STACK, "the stack says it"),
    "SECRET_NAME": "the environment's name says it",
    "DEPLOYMENT": "code, settings and secrets say it",
    "POWERTOOLS_SERVICE_NAME": "the environment's name says it",
    "POWERTOOLS_METRICS_NAMESPACE": "it is the same in every environment",
}
OF_LOCAL_MODE: Final = frozenset(
    {
        "PORT",
        "SIMULATOR_PORT",
        "AWS_PORT",
        "DATA_DIR",
        "KEEP_EMAILS",
        "INBOX_LIMIT",
        "LOCAL_HOSTS",
        "LOG_FORMAT",
        "EMULATOR_PYTHON",
    }
)
# What Lambda sets itself and lets nobody set, and which names it takes ("Defined runtime environment variables" and
# CreateFunction, Lambda Developer Guide and API Reference, read 2026-11-30). The keys are those of the function's role.
_OF_LAMBDA: Final = frozenset(
    {
        *("_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_EXECUTION_ENV"),
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"),
        *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        "AWS_LAMBDA_RUNTIME_API",
    }
)
_NAME: Final = re.compile(r"[a-zA-Z]\w+", re.ASCII)
# What a process does not read from its secret, whoever wrote it there: the sweep would not know of it.
NOT_IN_A_SECRET: Final = OF_EVERY_FUNCTION | OF_LOCAL_MODE | frozenset(OF_THE_DEPLOYMENT)

_PLAIN: Final = (*sorted(NOT_IN_A_SECRET), *sorted(SECRETS))
_ALIKE: Final = 0.84  # of two names, from 0 to 1: one letter of six is wrong, missing or too many


def in_settings(name: str) -> str:
    """What is wrong with a variable in `aws_environment_variables`; "" if it may stand there.

    It may be one that somebody else reads, if its name is not like one of ours.
    """
    found = registry.find_variable(name)
    if name in SECRETS or (found is not None and found[1].is_secret):
        return f"{name}: is a secret; put it into {SECRETS_FILE}"
    if name in OF_THE_DEPLOYMENT:
        return f"{name}: the deployment sets it ({OF_THE_DEPLOYMENT[name]}); delete it here"
    if name in _OF_LAMBDA:
        return f"{name}: Lambda sets it, and keys are those of the function's role; delete it here"
    if not _NAME.fullmatch(name):
        return f"{name}: is no name that Lambda takes: letters, digits and _, a letter first, two at least"
    if name in OF_LOCAL_MODE:
        return f"{name}: only local mode reads it; delete it here"
    return mistyped(name)


def in_secret(name: str, process: Process, secret: str) -> str:
    """What is wrong with a variable in the secret of `process`, which is named `secret`; "" if it may stand there."""
    found = registry.find_variable(name)
    readers = found[1].read_by if found is not None else SECRETS.get(name, {process})
    if process not in readers:
        return f"{name}: is not for the {process}, and may not be in the secret {secret}"
    return in_secrets_file(name)


def in_secrets_file(name: str) -> str:
    """What is wrong with a variable in the file of all secrets; "" if it may stand there. It must be one of ours."""
    if name in SECRETS or registry.find_variable(name) is not None:
        return ""
    if name in OF_EVERY_FUNCTION or is_of_an_account(name):
        return f"{name}: is no secret; put it into {SETTINGS_FILE}, which every function reads"
    if name in OF_THE_DEPLOYMENT:
        return f"{name}: the deployment sets it ({OF_THE_DEPLOYMENT[name]}); delete it here"
    return mistyped(name) or f"{name}: no provider has such a variable; what is not secret belongs in {SETTINGS_FILE}"


def mistyped(name: str) -> str:
    """What is wrong with a name that is like one of ours, or begins as those of a provider; "" if nothing is.

    The name of a variable of an account, such as ACME_EU_API_KEY, is right whatever the label.
    """
    if (
        name in _PLAIN
        or name in trace_settings.SPECIFIED
        or registry.find_variable(name) is not None
        or is_of_an_account(name)
    ):
        return ""
    provider = _provider(name)
    near = get_close_matches(name, _of_accounts(provider, name) if provider else _PLAIN, 1, _ALIKE)
    if near:
        return f"{name}: there is no such variable; {near[0]} is meant, perhaps"
    return f"{name}: {provider} has no such variable" if provider else ""


def is_of_an_account(name: str) -> bool:
    """Whether it is a variable that an account of any provider may have, such as ACME_EU_DAILY_CAP."""
    provider = _provider(name)
    if not provider:
        return False
    own = name.removeprefix(prefix_of(provider))
    for variable in ACCOUNT_VARIABLES:
        label = own.removesuffix(variable).removesuffix("_").lower()
        if own == variable or (own.endswith(f"_{variable}") and is_account(f"{provider}:{label}")):
            return True
    return False


def _provider(name: str) -> str:
    """The provider with whose prefix a name begins; "" if there is none."""
    found = (one for one in sorted(registry.PROVIDERS, key=len, reverse=True) if name.startswith(prefix_of(one)))
    return next(found, "")


def _of_accounts(provider: str, name: str) -> list[str]:
    """The names of the variables of the account without a label, and of the one that `name` may have a label of."""
    label = name.removeprefix(prefix_of(provider)).partition("_")[0].lower()
    accounts = [provider, f"{provider}:{label}"] if is_account(f"{provider}:{label}") else [provider]
    return [f"{prefix_of(account)}{own}" for account in accounts for own in _own(provider)]


def _own(provider: str) -> Iterator[str]:
    yield from (variable.name for variable in registry.declaration(provider).variables)
    yield from ACCOUNT_VARIABLES
