"""`secrets`: what the deployed processes read, each of them only its own."""

import json
from typing import Annotated, Any, TextIO

import botocore.session
import typer
from botocore.exceptions import BotoCoreError, ClientError

from app import vault
from app.admin.environment import fail
from app.admin.mistakes import sentence
from app.admin.output import Json, show_table
from app.errors import ConfigurationError, ServiceUnavailable
from app.providers import registry
from app.settings import HOW_TO_MAKE_ONE, Process, Settings
from app.wiring import variable_locations
from app.wiring.variable_locations import ADDRESS_SECRET, MADE_ONCE, SECRETS, WEBHOOK_SECRET

# Why one that was made once is not changed by mistake.
_KEPT = {
    ADDRESS_SECRET: "which must never change; take that one",
    WEBHOOK_SECRET: "from which the secrets of all webhooks follow; take that one, or delete it there if they shall all"
    " be others",
}

app = typer.Typer(no_args_is_help=True, help="The secrets of the deployed processes: store.")


@app.callback()
def group() -> None:
    """Let `store` be named, although it is the only command."""


@app.command()
def store(
    file: Annotated[typer.FileText, typer.Argument(help="A JSON object of variable to value; - for standard input.")],
    *,
    stage: Annotated[str, typer.Option(help="The deployed environment, such as production.")],
    kms_key: Annotated[str, typer.Option(help="The KMS key of new secrets; Secrets Manager's own if not set.")] = "",
    as_json: Json = False,
) -> None:
    """Put variables into the secrets of an environment, in the place of what is there: each process gets its own.

    The API gets what proves webhooks, the worker the keys that send, both get ADDRESS_SECRET. WEBHOOK_SECRET goes to
    the API, and to what calls the webhooks of applications. Prints names only.
    """
    variables = _read(file)
    try:
        parts = split(variables)
        Settings.from_env(variables)
    except ConfigurationError as error:
        fail(str(error))
    try:
        client = botocore.session.get_session().create_client("secretsmanager")
        names = {process: f"emailsminder/{stage}/{process}" for process in Process}
        for name in names.values():
            _require_same(client, name, variables)
        for process, name in names.items():
            _put(client, name, parts[process], kms_key)
    except (BotoCoreError, ClientError) as error:
        fail(f"the secrets are not stored: {sentence(error)}")
    stored = {name: sorted(parts[process]) for process, name in names.items()}
    rows = [(name, ", ".join(held)) for name, held in stored.items()]
    show_table(["SECRET", "VARIABLES"], rows, stored, as_json=as_json)


def split(variables: dict[str, str]) -> dict[Process, dict[str, str]]:
    """The variables of each process. Raises ConfigurationError naming what is missing, malformed or unknown.

    A name that nobody knows is refused: it may be that of a key, mistyped, which only one of them may have.
    """
    for name in MADE_ONCE:
        if not variables.get(name):
            raise ConfigurationError(f"{name}: is missing; {HOW_TO_MAKE_ONE}")
    parts: dict[Process, dict[str, str]] = {process: {} for process in Process}
    accounts = set()
    for name, value in variables.items():
        found = registry.find_variable(name)
        if fault := variable_locations.in_secrets_file(name):
            raise ConfigurationError(fault)
        for process in found[1].read_by if found else SECRETS[name]:
            parts[process][name] = value
        accounts |= {found[0]} if found else set()
    registry.check_values(sorted(accounts), variables)
    return parts


def _read(file: TextIO) -> dict[str, str]:
    try:
        found = json.loads(file.read())
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        fail("the file must be a JSON object of strings")
    return found


def _require_same(client: Any, secret: str, variables: dict[str, str]) -> None:
    """Stop if `secret` holds another one of those that were made once: what was made under it would be lost."""
    try:
        stored = vault.read(client, secret)
    except (ServiceUnavailable, ConfigurationError):
        return  # there is none yet, or it may not be read from here
    for name in MADE_ONCE:
        if stored.get(name) and stored[name] != variables[name]:
            fail(f"{name}: {secret} has another one, {_KEPT[name]}")


def _put(client: Any, name: str, variables: dict[str, str], kms_key: str) -> None:
    text = json.dumps(variables, indent=2)
    try:
        client.create_secret(Name=name, SecretString=text, **({"KmsKeyId": kms_key} if kms_key else {}))
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=name, SecretString=text)
