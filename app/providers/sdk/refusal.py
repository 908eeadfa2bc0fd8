"""Emails that a provider cannot carry as they are."""


class Unsendable(ValueError):
    """This provider cannot carry this email as the client wants it.

    A provider's `build` raises it, and `transport` turns it into the outcome `refused`. Nothing is left out silently,
    because another provider may be able to carry the email. Pre-flight finds it first: both ask the provider's table
    of limits.
    """
