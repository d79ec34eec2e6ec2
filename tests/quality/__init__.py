"""Tests of the independent quality control."""
