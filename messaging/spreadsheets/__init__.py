"""The files that clerks upload: read, matched with a template, checked row by row, and written back with outcomes.

Knows the rules of IO (`messaging.appio`) and neither Django nor the database. What is to be told to people comes as
codes with parameters.
"""
