"""The tool that looks at data sets before they are believed: check, preview, stats, convert, split."""
