"""Lambda functions: one thin entry module each, and a folder of logic per capability."""
