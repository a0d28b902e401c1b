"""Plans of the models engine, one per kind."""
