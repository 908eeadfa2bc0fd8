"""The shapes of the answer to a batch. Class names are schema names in the OpenAPI document."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.api.v1.views import AcceptedEmail
from app.api.views import FieldFault


class BatchEmail(AcceptedEmail):
    """An email of a batch that was accepted, as the answer to a single send has it."""

    replayed: Annotated[
        bool, Field(description="an earlier request with this `idempotency_key` has stored it; here it is as it is now")
    ]


class BatchRefusal(BaseModel):
    """An email of a batch that was not accepted, and why. Nothing of it is stored."""

    type: Annotated[
        str,
        Field(
            description="that of the problem which a single send would be answered with",
            examples=["urn:emailsminder:problem:invalid"],
        ),
    ]
    errors: Annotated[
        list[FieldFault], Field(description="what is wrong, by the field of the email; `body` is the whole of it")
    ]


class EmailBatch(BaseModel):
    """What became of each email of a batch, in their order."""

    data: list[BatchEmail | BatchRefusal]
