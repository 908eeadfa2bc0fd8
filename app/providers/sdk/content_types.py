"""The content type of an attachment, as a provider takes it."""

import mimetypes
from enum import StrEnum
from functools import cache
from typing import Final

from app.domain.email import Attachment

_UNTYPED: Final = ("", "application/octet-stream")


class ContentTypes(StrEnum):
    """Which content types a provider takes. The type is optional, so one that it does not take is left out."""

    ANY = "any, with parameters"
    BARE = "any; parameters are left out"
    FITTING = "one that fits the file's name; any other is left out, and the provider goes by the name"


def content_type(file: Attachment, taken: ContentTypes) -> str:
    """The type to tell the provider; "" if it should go by the file's name.

    Where types have to fit, every type counts as unfit for a name for which Python knows another one.
    """
    if taken is ContentTypes.ANY:
        return file.content_type
    bare = file.content_type.partition(";")[0].strip()
    if taken is ContentTypes.BARE:
        return bare
    if bare.lower() in _UNTYPED:
        return ""
    expected, compression = _types().guess_type(file.filename)
    is_unfit = expected and not compression and expected.partition("/")[2] != bare.lower().partition("/")[2]
    return "" if is_unfit else file.content_type


@cache
def _types() -> mimetypes.MimeTypes:
    return mimetypes.MimeTypes()  # only Python's own table, so that the result does not depend on the machine's
