"""Puts a template where CloudFormation reads it: a request carries 51,200 bytes of it, an object in S3 a megabyte.

The bucket is one for all environments of an account and region. It is made before any stack, because the first request
of a new environment needs it. Nothing in it is secret: a template names parameters, and no value of one.
"""

import hashlib
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import ClientError
from botocore.session import Session

from infra.cloudformation import StackError
from infra.stages import PROJECT

LARGEST: Final = 1_000_000  # bytes ("CloudFormation quotas", User Guide, read 2026-11-30)
KEPT_DAYS: Final = 1  # CloudFormation reads a template when it is asked, and keeps a copy of its own

_PRIVATE: Final = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_ENCRYPTED: Final = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
_EXPIRING: Final = {
    "Rules": [{"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": KEPT_DAYS}}]
}


def put(session: Session, environment: str, body: str) -> str:
    """Put the template of an environment into the bucket, which is made if there is none. Returns its URL.

    The same template is the same object. Raises StackError if the template is too large, or if the bucket of that name
    belongs to somebody else, who could otherwise put another template in the place of ours.
    """
    data = body.encode()
    if len(data) > LARGEST:
        raise StackError(f"the template has {len(data):,} bytes, and CloudFormation takes {LARGEST:,}")
    s3: Any = session.create_client("s3")  # Any, because its type stubs know no service
    region, account = session.get_config_variable("region"), _account(session)
    bucket, key = name(account, region), f"{environment}/{hashlib.sha256(data).hexdigest()}.json"
    ours = {"Bucket": bucket, "ExpectedBucketOwner": account}
    try:
        _make(s3, bucket, region)
        s3.put_public_access_block(**ours, PublicAccessBlockConfiguration=_PRIVATE)
        s3.put_bucket_encryption(**ours, ServerSideEncryptionConfiguration=_ENCRYPTED)
        s3.put_bucket_lifecycle_configuration(**ours, LifecycleConfiguration=_EXPIRING)
        s3.put_object(**ours, Key=key, Body=data, ContentType="application/json")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise StackError(f"the template could not be put into the bucket {bucket}: {code}") from error
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def remove(session: Session, environment: str) -> None:
    """Delete the templates of an environment, and the bucket once no other environment has one in it."""
    s3: Any = session.create_client("s3")
    bucket = name(_account(session), session.get_config_variable("region"))
    if all(found["Name"] != bucket for found in s3.list_buckets()["Buckets"]):
        return
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{environment}/"):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=found["Key"])
    try:
        s3.delete_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketNotEmpty":
            raise


def name(account: str, region: str) -> str:
    """The name of the bucket: names are unique in the whole of AWS."""
    return f"{PROJECT}-templates-{account}-{region}"


def _make(s3: Any, bucket: str, region: str) -> None:
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, **where)


def _account(session: Session) -> str:
    sts: Any = session.create_client("sts")
    return str(sts.get_caller_identity()["Account"])
