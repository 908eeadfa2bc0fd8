"""The language of the product: values and rules, no I/O, the standard library only."""
