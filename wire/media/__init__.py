"""Files on their way to the plant: the protocol between agents and media store, and its client."""
