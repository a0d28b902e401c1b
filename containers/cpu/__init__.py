"""The cpu lane: a Lambda function with the preview engine."""
