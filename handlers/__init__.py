"""One module per Lambda, thin, and what they share: the store, the sockets, the queue."""
