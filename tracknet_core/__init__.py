"""The small core of tracknet: it assembles ball trackers from parts that it never imports."""
