"""PDF files: what is in them, how they are called, folders of them. Knows no Django."""
