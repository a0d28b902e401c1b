"""The CDK app; `infra.local` runs the same app on this machine."""
