"""Test mail may be scheduled, moved and retried as real mail, within the sandbox."""

import pytest

from app.domain.head import Status
from app.domain.project import of_test_keys
from app.domain.retry import Again
from app.errors import Invalid
from tests.support.harness import Harness
from tests.support.samples import an_email, mailbox
