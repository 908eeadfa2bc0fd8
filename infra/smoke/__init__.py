"""Deploys to a real AWS account, shows what no emulator can, and removes everything: `make smoke STAGE=dev`."""
