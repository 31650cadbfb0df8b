"""What a dataset holds and what is doubtful about it: measured in one pass, said in words, JSON and a page."""
