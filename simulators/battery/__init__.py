"""A qualification bench in a simulation: packs, what their sensors show, the protocol run on them."""
