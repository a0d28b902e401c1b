"""CDK constructs, one per capability."""
