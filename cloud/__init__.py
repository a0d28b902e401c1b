"""AWS code that functions and containers share: clients, logging, the invocation protocol, queues, S3 and DynamoDB."""
