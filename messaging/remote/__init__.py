"""Protected texts and files, and telling IO where to fetch them."""
