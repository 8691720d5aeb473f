"""Who sees a change: live, and after a session has moved."""
