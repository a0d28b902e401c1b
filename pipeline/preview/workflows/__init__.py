"""Plans of the preview engine, one per kind of job."""
