"""Mutation testing of app/domain, app/delivery, app/providers, app/store: would a test notice if the code were wrong?

`make mutants` changes the code in one place (a mutant), runs the tests that run this place, and takes the change back.
A test that then fails kills the mutant. A mutant that survives shows that a test is missing, or it is listed in
survivors.toml with the reason why it may survive.

`changes` makes the mutants, in an environment of its own that holds the mutation library. `warm` is a process that has
imported everything, `learning` finds out which test runs which line, `selection` chooses the tests for a mutant,
`forks` gives each mutant a child process, and `judgment` compares the survivors with the list.
"""
