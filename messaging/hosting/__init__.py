"""What IO fetches from us: three routes under one address, and who has opened what."""
