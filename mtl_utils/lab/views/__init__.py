"""What a lab shows: pictures drawn off screen, and words."""
