"""From measurements, vehicle data and an inspector's findings to the legal letter of a test."""
