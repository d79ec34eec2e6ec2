"""What the edge does for the qualification of batteries: reading a vehicle's own diagnosis."""
