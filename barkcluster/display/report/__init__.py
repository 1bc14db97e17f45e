"""One page about sessions: what it says, and how it looks."""
