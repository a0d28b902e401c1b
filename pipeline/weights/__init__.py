"""Model weights: the catalogue, fetching, checking and storing them."""
