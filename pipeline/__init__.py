"""What happens to a picture: the job contract, the stages, the models. Knows nothing of AWS."""
