"""Parts of make_reading_data.py: rows, human questions, matching, hard negatives, and questions made by program."""
