"""Costs of a deployment by AWS's list prices: idle by the month, and the control plane's by the job."""
