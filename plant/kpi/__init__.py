"""What the historian says of the stations by itself: states again and again, cycles, stops, OEE."""
