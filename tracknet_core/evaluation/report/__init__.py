"""What an evaluation looks like: tables for a terminal, and a page of tables, curves and pictures."""
