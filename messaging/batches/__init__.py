"""Spreadsheets of citizens: uploaded, checked, corrected, expanded into messages, and reported on."""
