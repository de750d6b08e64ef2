"""Much changed at once: how soon every cache is true and warm, and what visitors notice."""
