"""With IAM in force, the tests' emulator asks for the permissions that AWS asks for."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.conftest import EMULATOR_PYTHON, free_port
from tests.deploy.cloud import Cloud

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}


def policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("allowed", ["sns:Publish", "sns:Subscribe"])
def test_whoever_may_publish_may_publish_a_batch(tmp_path: Path, allowed: str) -> None:
    cloud = Cloud(EMULATOR_PYTHON, tmp_path, free_port())
    try:
        topic = cloud.client("sns").create_topic(Name="attempts")["TopicArn"]
        iam = cloud.client("iam")
        role = iam.create_role(RoleName="sweep", AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
        document = policy({"Effect": "Allow", "Action": allowed, "Resource": topic})
        iam.put_role_policy(RoleName="sweep", PolicyName="sweep", PolicyDocument=document)
        taken = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        batch = {"TopicArn": topic, "PublishBatchRequestEntries": [{"Id": "0", "Message": "{}"}]}
        if allowed == "sns:Publish":
            assert len(cloud.client("sns", taken).publish_batch(**batch)["Successful"]) == 1
        else:
            with pytest.raises(ClientError, match="not authorized"):
                cloud.client("sns", taken).publish_batch(**batch)
    finally:
        cloud.stop()
