"""What an app developer uses: the Python client and the `darkroom` command."""
