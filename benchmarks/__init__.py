"""What `make bench` measures: real processes on real databases, against floors taken in the same minute."""
