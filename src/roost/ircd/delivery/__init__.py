"""How a change reaches others: live, and after their session has moved."""
