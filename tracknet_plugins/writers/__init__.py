"""Writers: tracked frames to files, side by side."""
