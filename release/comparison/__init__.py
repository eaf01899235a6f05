"""What differs: between environments, and from what is declared."""
