"""What a user would have written instead, and what lies beneath: servers for bench_api, each asked over HTTP.

They read `BOOKS`, an SQLite file with the table `books`, and none of them asks who is there: that is in their favour.
"""

COLUMNS = (
    "id", "isbn", "title", "author", "publisher", "publication_year", "description", "cover_image_url", "call_number",
    "status", "shelf_location", "copies_total", "copies_available", "version", "created_at", "updated_at",
)  # fmt: skip
"""What a book of ours has in an answer; the peers answer the same."""

SCHEMA = """
    CREATE TABLE books (id TEXT PRIMARY KEY, isbn TEXT, title TEXT NOT NULL, author TEXT NOT NULL, publisher TEXT,
        publication_year INTEGER, description TEXT, cover_image_url TEXT, call_number TEXT, status TEXT NOT NULL,
        shelf_location TEXT, copies_total INTEGER NOT NULL, copies_available INTEGER NOT NULL, version INTEGER NOT NULL,
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
    CREATE INDEX books_created ON books(created_at, id);
    CREATE TABLE requests (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, book_id TEXT NOT NULL REFERENCES books(id),
        request_location TEXT NOT NULL, status TEXT NOT NULL, requested_at TEXT NOT NULL);
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, type TEXT NOT NULL, data TEXT NOT NULL, at TEXT NOT NULL);
"""
