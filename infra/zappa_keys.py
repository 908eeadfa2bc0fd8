"""The keys of zappa_settings.json: Zappa's own, of version 0.63.0, ours, and those that would not do what they say."""

from typing import Final

# What Zappa 0.63.0 reads of a stage (zappa/cli.py: `stage_config`, CUSTOM_SETTINGS and `extends`).
ZAPPA: Final = frozenset(
    """
    additional_text_mimetypes alb_enabled alb_vpc_config api_key api_key_required apigateway_description
    apigateway_enabled apigateway_lambda_qualifier apigateway_policy apigateway_version app_function app_type
    architecture assume_policy async_resources async_response_table async_response_table_read_capacity
    async_response_table_write_capacity async_source attach_policy authorizer aws_endpoint_urls
    aws_environment_variables aws_kms_key_arn aws_region base_path binary_support bot_events cache_cluster_enabled
    cache_cluster_encrypted cache_cluster_size cache_cluster_ttl callbacks certificate certificate_arn
    certificate_chain certificate_key cloudwatch_data_trace cloudwatch_log_level cloudwatch_metrics_enabled cognito
    context_header_mappings cors dead_letter_arn debug delete_local_zip delete_s3_zip django_settings domain
    efs_config endpoint_configuration environment_variables ephemeral_storage events exception_handler exclude
    exclude_glob extends extra_permissions function_url_cloudfront_config function_url_config function_url_domains
    function_url_enabled iam_authorization include keep_warm keep_warm_expression lambda_concurrency
    lambda_description lambda_handler layers lets_encrypt_key log_level manage_roles memory_size
    num_retained_versions payload_compression payload_minimum_compression_size prebuild_script profile_name
    project_name provisioned_concurrency remote_env remote_env_bucket remote_env_file role_arn role_name
    route53_enabled runtime s3_bucket settings_file slim_handler snap_start tags timeout_seconds touch touch_path
    use_apigateway use_precompiled_packages vpc_config websocket_handler_module xray_tracing
    """.split()  # noqa: SIM905 because a list of so many names would hide the rest of the file
)
OURS: Final = frozenset({"stack", "throttle", "usage_plan"})
THROTTLE: Final = frozenset({"rate", "burst"})

_ROLES: Final = "the roles are those of infra/template.yaml"
_HANDLER: Final = "only Zappa's own handler reads it, and the functions have theirs"
_PACKAGE: Final = "infra/package.py builds the package"
_ALIAS: Final = "API Gateway calls the alias that infra/release.py moves"
_SCHEDULE: Final = "infra/schedule.py makes the schedule, which calls the alias"
_KIND_OF_API: Final = "the API is a REST API, which this would not be"
_NOTHING: Final = "nothing of the product reads or answers it"

# Key → why it may not be set.
REFUSED: Final[dict[str, str]] = {
    **dict.fromkeys(("role_name", "role_arn", "attach_policy", "assume_policy", "extra_permissions"), _ROLES),
    **dict.fromkeys(
        (
            "app_function",
            "app_type",
            "django_settings",
            "environment_variables",
            "remote_env",
            "remote_env_bucket",
            "remote_env_file",
            "log_level",
            "exception_handler",
            "context_header_mappings",
            "additional_text_mimetypes",
        ),
        _HANDLER,
    ),
    **dict.fromkeys(("slim_handler", "include", "prebuild_script", "efs_config"), _PACKAGE),
    **dict.fromkeys(
        (
            "alb_enabled",
            "alb_vpc_config",
            "function_url_enabled",
            "function_url_config",
            "function_url_domains",
            "function_url_cloudfront_config",
        ),
        _KIND_OF_API,
    ),
    **dict.fromkeys(
        (
            "async_resources",
            "async_response_table",
            "async_response_table_read_capacity",
            "async_response_table_write_capacity",
            "async_source",
            "bot_events",
            "cognito",
            "websocket_handler_module",
            "keep_warm_expression",
        ),
        _NOTHING,
    ),
    "apigateway_lambda_qualifier": _ALIAS,
    "events": _SCHEDULE,
    "s3_bucket": "the stack makes the bucket, PackageBucket",
    "dead_letter_arn": "the stack makes the queue, DeadLetterQueue",
}
# Key → the one value that it may have, and why.
FIXED: Final[dict[str, tuple[object, str]]] = {
    "project_name": ("emailsminder", "every name begins with it, and tables that are there cannot be renamed"),
    "manage_roles": (False, _ROLES),
    "keep_warm": (False, _NOTHING),
    "touch": (False, "it would ask the API before its settings are made, and skip them if that fails"),
    "binary_support": (True, "API Gateway would answer attachments as base64 text"),
    "use_precompiled_packages": (False, _PACKAGE),
    "apigateway_version": ("v1", _KIND_OF_API),
}
