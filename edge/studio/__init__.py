"""Cameras of a studio, their files, and the captures that are made of them."""
