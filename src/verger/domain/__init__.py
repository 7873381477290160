"""What the product knows: one folder per noun, none of which imports another."""
