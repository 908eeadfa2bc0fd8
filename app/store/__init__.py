"""PynamoDB models and the conditional writes, one file per kind of item. `tables` binds them to real tables."""
