"""The site that the pages of messaging.admin are registered with.

Apart from them, because Django imports the site first and would otherwise register the pages while it is being made.
"""
