"""Mutation testing: small faults put into a copy of the code, one at a time, which the tests must notice."""
