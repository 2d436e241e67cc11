"""What drives a lab: the panel, the player, the run that is advanced step by step, and the controls."""
