"""``darkroom deploy``: commands for a deployment on AWS, before, while and after it runs."""
