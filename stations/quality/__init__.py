"""The independent quality control: what is checked, by whom, on how many, and what it shows."""
