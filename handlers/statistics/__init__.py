"""Statistics: counters and histograms per day."""
