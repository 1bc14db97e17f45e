"""What people look at: bars in the terminal, progress, pictures."""
