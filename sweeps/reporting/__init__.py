"""What a sweep ends with: its page of figures, and the paper's table."""
