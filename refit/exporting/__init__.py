"""Giving samples out of a store as files: what is chosen, read in windows, laid out, written."""
