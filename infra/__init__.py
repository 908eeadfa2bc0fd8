"""Deployment: the CloudFormation stack, what Zappa calls back, and the package. Never deployed itself."""
