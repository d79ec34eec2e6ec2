"""What an inspection needs of the world: its machines' results, its inspectors, its sessions."""
