"""Local studio: a small server of the built app, with CloudFront's headers."""
