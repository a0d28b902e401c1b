"""Minimal chain: the least that an upload, an asynchronous endpoint and a live status need; the event path's baseline.

API → S3 → queue → endpoint → topic → table → stream → socket, without owners, tokens, checks, retries or budgets. It
runs on the emulator that runs Darkroom's stack, and answers the load client's requests in the same form.
"""
