"""Deployment: the CloudFormation stack, the hooks that Zappa calls, and the package. It is never deployed itself."""
