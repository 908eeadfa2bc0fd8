"""Mutation testing of app/domain, app/delivery, app/providers, app/store: would a test notice this change?

`make mutants` changes the code in one place, asks the tests that run this place, and takes the change back. What no
test notices is a hole in the tests, or is listed with a reason in survivors.toml.

`changes` makes the mutants, in the environment of the mutation library. `warm` imports everything once, `learning`
finds out which test runs which line, `selection` chooses the tests for a mutant, `forks` gives each mutant a process,
and `judgment` compares what survived with the list.
"""
