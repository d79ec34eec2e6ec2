"""The world tier: everything of ours in virtual time, on an in-memory network, from one seed."""
