"""Who has answered what of late, for a developer's eyes and tools: in DEBUG alone."""
