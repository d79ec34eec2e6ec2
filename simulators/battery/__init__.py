"""A qualification bench in a simulation: packs, what sensors show of them, the protocol."""
