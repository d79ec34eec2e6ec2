"""The simulated camera of the studio: a vehicle made by rule, a renderer, and a camera process."""
