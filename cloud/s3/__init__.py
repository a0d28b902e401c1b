"""S3 access: keys, presigned requests and the headers of objects."""
