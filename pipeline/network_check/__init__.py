"""Check of the models engine: each network computes once, on the machine that will serve."""
