"""The Python SDK: requests, uploads, sockets and downloads."""
