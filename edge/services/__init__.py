"""The only code that changes durable state: each function is one story in one transaction."""
