"""The technical inspection lane."""
