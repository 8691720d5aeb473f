"""What opens above the conversation: each asks or shows one thing, and Escape closes it."""
