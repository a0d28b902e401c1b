"""The studio on this machine: a small server for the built app, with the headers that CloudFront gives it."""
