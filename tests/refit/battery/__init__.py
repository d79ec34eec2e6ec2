"""The commands about batteries."""
