"""The bucket from which CloudFormation reads the template, on the emulator."""

from uuid import uuid4

import botocore.session
import httpx
import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from infra import template, template_bucket
from infra.cloudformation import StackError
from infra.stack import Stack
from tests.support.aws import REGION, Aws

ACCOUNT = "000000000000"
BUCKET = f"emailsminder-templates-{ACCOUNT}-{REGION}"


@pytest.fixture
def session(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    session = botocore.session.get_session()
    session.set_config_variable("region", REGION)
    return session


def keys(aws: Aws, environment: str) -> list[str]:
    if all(found["Name"] != BUCKET for found in aws.s3.list_buckets()["Buckets"]):
        return []
    found = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{environment}/").get("Contents", [])
    return [one["Key"] for one in found]


def test_the_same_template_is_one_object_which_the_url_names(aws: Aws, session: Session) -> None:
    environment = f"x{uuid4().hex[:8]}"
    url = template_bucket.put(session, environment, "{}")
    assert template_bucket.put(session, environment, "{}") == url
    assert template_bucket.put(session, environment, "{ }") != url
    assert len(keys(aws, environment)) == 2
    assert url.removeprefix(f"{aws.endpoint_url}/{BUCKET}/") in keys(aws, environment)
    assert httpx.get(url).text == "{}"
    template_bucket.remove(session, environment)


def test_the_bucket_is_private_encrypted_and_forgets(aws: Aws, session: Session) -> None:
    template_bucket.put(session, "private", "{}")
    access = aws.s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert list(access.values()) == [True] * 4
    (rule,) = aws.s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (expiring,) = aws.s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert expiring["Expiration"] == {"Days": 1}
    template_bucket.remove(session, "private")


def test_an_environment_takes_its_own_templates_away_and_the_last_one_the_bucket(aws: Aws, session: Session) -> None:
    one, other = f"x{uuid4().hex[:8]}", f"y{uuid4().hex[:8]}"
    for environment in (one, other):
        template_bucket.put(session, environment, "{}")
    template_bucket.remove(session, one)
    assert keys(aws, one) == []
    assert len(keys(aws, other)) == 1
    template_bucket.remove(session, other)
    template_bucket.remove(session, other)


def test_somebody_elses_bucket_is_not_written_to() -> None:
    class Taken:
        """A session in whose account the bucket is not."""

        meta = exceptions = property(lambda self: self)
        endpoint_url, BucketAlreadyOwnedByYou = "https://s3.eu-central-1.amazonaws.com", KeyError

        def create_client(self, _: str) -> "Taken":
            return self

        def get_config_variable(self, _: str) -> str:
            return "eu-central-1"

        def get_caller_identity(self) -> dict[str, str]:
            return {"Account": ACCOUNT}

        def create_bucket(self, Bucket: str, CreateBucketConfiguration: dict[str, str]) -> None:  # noqa: N803 because botocore calls it so
            assert Bucket.endswith(CreateBucketConfiguration["LocationConstraint"])
            raise ClientError({"Error": {"Code": "BucketAlreadyExists", "Message": ""}}, "CreateBucket")

    with pytest.raises(StackError, match=r"bucket emailsminder-templates-000000000000-eu-central-1: BucketAlreadyExis"):
        template_bucket.put(Taken(), "production", "{}")  # type: ignore[arg-type] # because it is a stub


def test_a_template_that_is_too_large_is_said_before_anything_is_asked() -> None:
    with pytest.raises(StackError, match=r"^the template has 1,000,001 bytes, and CloudFormation takes 1,000,000$"):
        template_bucket.put(botocore.session.get_session(), "production", "x" * 1_000_001)


def test_a_stack_is_made_of_it_and_nothing_is_left_when_it_is_deleted(aws: Aws, new_stack: Stack) -> None:
    new_stack.apply({"DeletionProtection": "false"}, {})
    assert len(keys(aws, new_stack.environment)) == 1
    found = new_stack.client("cloudformation").get_template(StackName=new_stack.name)["TemplateBody"]
    assert dict(found)["Outputs"] == template.load()["Outputs"]
    new_stack.delete()
    assert keys(aws, new_stack.environment) == []
