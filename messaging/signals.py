"""Signal receivers of the portal: none. What follows from what is written where it happens, not behind its back."""
