"""Edge nodes and hosts that do what they are told to do wrong, so that the judge can be judged."""
