"""A deployment: may it begin, what does it do, and what follows when it fails."""
