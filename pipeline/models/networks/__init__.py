"""The networks themselves, on torch: each module loads one from its files in their real layout."""
