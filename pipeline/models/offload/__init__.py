"""GPU memory management: loading networks, and moving them between GPU and CPU."""
