"""Tests of the providers: a package for each, and what holds for all of them."""
