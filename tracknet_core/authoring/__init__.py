"""For authors of parts and of experiments: what is installed, what it takes, and where a part of one's own begins."""
