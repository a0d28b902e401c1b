"""CDK stacks: core, GPU endpoint and studio."""
