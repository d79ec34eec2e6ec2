"""Sparkplug with programs of another maker: Eclipse Tahu."""
