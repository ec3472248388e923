"""Reports of load tests side by side: which differences are real, where each run is best, what it costs.

Pure but for the reading of files: reports become a `Comparison`, this becomes a `Document` of words and
tables, and one renderer each makes text for a terminal, Markdown, or a page with plots of it.
"""
