"""What an evaluation looks like: tables for a terminal, for other programs, in Markdown, and a page of pictures."""
