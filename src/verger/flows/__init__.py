"""What happens across nouns: one file per story."""
