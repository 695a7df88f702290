"""The learned motion prior: words, keys, paths and rough clips to motion. Imports torch only where a network runs."""
