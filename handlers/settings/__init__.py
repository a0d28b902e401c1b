"""Settings of the Lambda functions, read once from the environment: one module per function.

A function imports its own alone, as each class costs a part of its cold start. ``infra`` writes the same names. A
field's environment variable is its name in upper case. Every value without a default is required.
"""
