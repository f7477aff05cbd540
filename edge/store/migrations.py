"""The store's schema, as steps that are only ever appended; each is one transaction with its record."""

from collections.abc import Callable

from edge.store.sqlite import Connection

APPLICATION_ID = 0x4C554E41
"""Marks the file as ours in its header: the letters LUNA."""
SCHEMA_VERSION = 8
"""Number of steps below; also the file's user_version."""


def apply(
    connection: Connection,
    *,
    before: Callable[[Connection], None],
    after: Callable[[Connection], None],
) -> None:
    """Run the steps that this file has not had; `before` and `after` where there are any."""
    import sqlite_utils  # heavy (it pulls numpy): only for who creates or migrates

    steps = sqlite_utils.Migrations("luna")

    @steps()
    def step_001_first(db: sqlite_utils.Database) -> None:
        for statement in FIRST:
            db.conn.execute(statement)
        db.conn.execute("PRAGMA user_version = 1")

    @steps()
    def step_002_lanes_closed_for_a_time(db: sqlite_utils.Database) -> None:
        for statement in LANES_CLOSED_FOR_A_TIME:
            db.conn.execute(statement)
        db.conn.execute("PRAGMA user_version = 2")

    @steps()
    def step_003_resets_attempts_preferences_imports(db: sqlite_utils.Database) -> None:
        for statement in RESETS_ATTEMPTS_PREFERENCES_IMPORTS:
            db.conn.execute(statement)
        db.conn.execute("PRAGMA user_version = 3")

    @steps()
    def step_004_long_imports(db: sqlite_utils.Database) -> None:
        for statement in LONG_IMPORTS:
            db.conn.execute(statement)
        db.conn.execute("PRAGMA user_version = 4")

    @steps()
    def step_005_turns(db: sqlite_utils.Database) -> None:
        for statement in TURNS:
            db.conn.execute(statement)
        db.conn.execute("PRAGMA user_version = 5")

    @steps()
    def step_006_staff(db: sqlite_utils.Database) -> None:
        # All of them are told of each trip: not to be looked for among all readers.
        db.conn.execute("CREATE INDEX user_role ON user(role)")
        db.conn.execute("PRAGMA user_version = 6")

    @steps()
    def step_007_identities(db: sqlite_utils.Database) -> None:
        for statement in IDENTITIES:
            db.conn.execute(statement)
        db.conn.execute("PRAGMA user_version = 7")

    @steps()
    def step_008_slots(db: sqlite_utils.Database) -> None:
        for statement in SLOTS:
            db.conn.execute(statement)
        db.conn.execute("PRAGMA user_version = 8")

    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < SCHEMA_VERSION:
        before(connection)
        steps.apply(sqlite_utils.Database(connection))
        after(connection)


FIRST = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    # People
    """CREATE TABLE user (
        id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE COLLATE NOCASE, password_hash TEXT NOT NULL,
        pin_hash TEXT, card_number TEXT UNIQUE, first_name TEXT NOT NULL, last_name TEXT NOT NULL,
        phone_number TEXT,
        role TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1,
        failed_logins INTEGER NOT NULL DEFAULT 0,
        locked_until TEXT, version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE refresh_token (
        token_hash TEXT PRIMARY KEY, family TEXT NOT NULL,
        user_id TEXT NOT NULL REFERENCES user(id),
        created_at TEXT NOT NULL, expires_at TEXT NOT NULL, used_at TEXT
    ) STRICT""",
    "CREATE INDEX refresh_token_family ON refresh_token(family)",
    # Catalogue
    """CREATE TABLE book (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, isbn TEXT, title TEXT NOT NULL,
        author TEXT NOT NULL, publisher TEXT, publication_year INTEGER, description TEXT,
        cover_image_url TEXT, call_number TEXT, source_key TEXT UNIQUE,
        version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        deleted_at TEXT
    ) STRICT""",
    "CREATE INDEX book_isbn ON book(isbn)",
    "CREATE INDEX book_created ON book(created_at, id)",
    # Filled with words that edge.domain.search has folded: SQLite's own folding misses many marks.
    """CREATE VIRTUAL TABLE book_search USING fts5(
        title, author, isbn, call_number, publisher, content='', contentless_delete=1,
        tokenize='unicode61 remove_diacritics 0', prefix='2 3'
    )""",
    """CREATE TABLE copy (
        id TEXT PRIMARY KEY, book_id TEXT NOT NULL REFERENCES book(id),
        barcode TEXT NOT NULL UNIQUE,
        status TEXT NOT NULL, location TEXT NOT NULL, shelf TEXT NOT NULL,
        version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX copy_book ON copy(book_id)",
    "CREATE INDEX copy_location ON copy(location)",
    # Places
    """CREATE TABLE waypoint (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, location_code TEXT NOT NULL COLLATE NOCASE,
        x REAL NOT NULL, y REAL NOT NULL, z REAL NOT NULL, theta REAL NOT NULL, kind TEXT NOT NULL,
        metadata TEXT NOT NULL DEFAULT '{}', is_active INTEGER NOT NULL DEFAULT 1,
        version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    ) STRICT""",
    # A junction needs no sign.
    "CREATE UNIQUE INDEX waypoint_code ON waypoint(location_code) WHERE location_code <> ''",
    """CREATE TABLE lane (
        id TEXT PRIMARY KEY, start TEXT NOT NULL REFERENCES waypoint(id) ON DELETE CASCADE,
        "end" TEXT NOT NULL REFERENCES waypoint(id) ON DELETE CASCADE, length_m REAL NOT NULL,
        width_m REAL NOT NULL,
        speed_limit_m_s REAL NOT NULL, one_way INTEGER NOT NULL DEFAULT 0,
        closed INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    # Work. A request names a task and a task a request: they are made in one transaction.
    """CREATE TABLE request (
        id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES user(id),
        book_id TEXT NOT NULL REFERENCES book(id),
        copy_id TEXT REFERENCES copy(id), request_location TEXT NOT NULL, status TEXT NOT NULL,
        requested_at TEXT NOT NULL, completed_at TEXT, notes TEXT, task_id TEXT, pin TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX request_user ON request(user_id, requested_at)",
    """CREATE TABLE return_request (
        id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES user(id),
        book_id TEXT NOT NULL REFERENCES book(id),
        copy_id TEXT NOT NULL REFERENCES copy(id), pickup_location TEXT NOT NULL,
        status TEXT NOT NULL,
        initiated_at TEXT NOT NULL, picked_up_at TEXT, completed_at TEXT, task_id TEXT
    ) STRICT""",
    """CREATE TABLE task (
        id TEXT PRIMARY KEY, request_id TEXT REFERENCES request(id),
        return_id TEXT REFERENCES return_request(id),
        task_type TEXT NOT NULL, priority TEXT NOT NULL,
        phase TEXT NOT NULL,
        assigned_robot_id TEXT, source_location TEXT NOT NULL, destination_location TEXT NOT NULL,
        copy_id TEXT REFERENCES copy(id), recipient_id TEXT, description TEXT, not_before TEXT,
        deadline TEXT,
        attempts INTEGER NOT NULL DEFAULT 0, eta TEXT, phase_since TEXT NOT NULL, lease_until TEXT,
        created_at TEXT NOT NULL, started_at TEXT, completed_at TEXT, failure TEXT,
        metadata TEXT NOT NULL DEFAULT '{}'
    ) STRICT""",
    # Partial, so that claiming stays as fast with a million finished tasks as with none.
    "CREATE INDEX task_queue ON task(created_at) WHERE phase = 'QUEUED'",
    """CREATE INDEX task_open ON task(assigned_robot_id)
        WHERE phase NOT IN ('QUEUED', 'COMPLETED', 'FAILED', 'CANCELLED')""",
    "CREATE INDEX task_request ON task(request_id) WHERE request_id IS NOT NULL",
    "CREATE INDEX task_created ON task(created_at, id)",
    """CREATE TABLE task_history (
        id INTEGER PRIMARY KEY, task_id TEXT NOT NULL REFERENCES task(id), at TEXT NOT NULL,
        event TEXT NOT NULL,
        phase TEXT NOT NULL, actor TEXT NOT NULL, note TEXT
    ) STRICT""",
    "CREATE INDEX task_history_task ON task_history(task_id)",
    """CREATE TABLE robot_command (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, params TEXT NOT NULL, issuer TEXT NOT NULL,
        status TEXT NOT NULL,
        issued_at TEXT NOT NULL, expires_at TEXT, finished_at TEXT,
        result TEXT NOT NULL DEFAULT '{}'
    ) STRICT""",
    """CREATE INDEX robot_command_open ON robot_command(issued_at)
        WHERE status IN ('PENDING', 'RUNNING')""",
    # People are told
    """CREATE TABLE notification (
        id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES user(id), type TEXT NOT NULL,
        title TEXT NOT NULL,
        message TEXT NOT NULL, data TEXT NOT NULL DEFAULT '{}', created_at TEXT NOT NULL,
        read_at TEXT, deleted_at TEXT
    ) STRICT""",
    "CREATE INDEX notification_user ON notification(user_id, created_at)",
    """CREATE TABLE audit (
        id INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
        entity TEXT NOT NULL,
        entity_id TEXT NOT NULL, origin TEXT NOT NULL, details TEXT NOT NULL DEFAULT '{}'
    ) STRICT""",
    """CREATE TABLE idempotency (
        user_id TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
        status INTEGER NOT NULL,
        body TEXT NOT NULL, created_at TEXT NOT NULL, PRIMARY KEY (user_id, key)
    ) STRICT, WITHOUT ROWID""",
    # What the gate's journal says of stops, holds and resets, each line once.
    """CREATE TABLE stop_event (
        id TEXT PRIMARY KEY, event_id TEXT, kind TEXT NOT NULL, at TEXT NOT NULL, who TEXT NOT NULL,
        data TEXT NOT NULL DEFAULT '{}'
    ) STRICT""",
    "CREATE INDEX stop_event_at ON stop_event(at)",
    # The two sides: what we tell, what we were told
    """CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
        entity TEXT NOT NULL,
        entity_id TEXT NOT NULL, hlc TEXT NOT NULL, origin TEXT NOT NULL, actor TEXT NOT NULL,
        schema INTEGER NOT NULL, data TEXT NOT NULL, at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE sync_cursor (
        stream TEXT NOT NULL, direction TEXT NOT NULL, through INTEGER NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (stream, direction)
    ) STRICT, WITHOUT ROWID""",
    # When each field was last changed, and by whom: field by field, the newest wins.
    """CREATE TABLE field_clock (
        entity TEXT NOT NULL, entity_id TEXT NOT NULL, field TEXT NOT NULL, hlc TEXT NOT NULL,
        origin TEXT NOT NULL, PRIMARY KEY (entity, entity_id, field)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE inbox_rejected (
        stream TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, reason TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (stream, seq)
    ) STRICT""",
    """CREATE TABLE remote_command (
        command_id TEXT PRIMARY KEY, type TEXT NOT NULL, issuer TEXT NOT NULL,
        received_at TEXT NOT NULL,
        body TEXT NOT NULL, answer TEXT NOT NULL
    ) STRICT""",
    "CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)

LANES_CLOSED_FOR_A_TIME = (
    "ALTER TABLE lane ADD COLUMN closed_from TEXT",
    "ALTER TABLE lane ADD COLUMN closed_until TEXT",
)

RESETS_ATTEMPTS_PREFERENCES_IMPORTS = (
    """CREATE TABLE password_reset (
        token_hash TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES user(id),
        created_at TEXT NOT NULL, expires_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX password_reset_user ON password_reset(user_id)",
    # How often somebody guessed wrong, by what was guessed at: over restarts.
    """CREATE TABLE attempt (
        key TEXT PRIMARY KEY, failures INTEGER NOT NULL, since TEXT NOT NULL, locked_until TEXT
    ) STRICT, WITHOUT ROWID""",
    # A row for what somebody does not want to hear.
    """CREATE TABLE notification_silenced (
        user_id TEXT NOT NULL REFERENCES user(id), type TEXT NOT NULL, channel TEXT NOT NULL,
        PRIMARY KEY (user_id, type, channel)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE import (
        id TEXT PRIMARY KEY, user_id TEXT NOT NULL, file_name TEXT NOT NULL, status TEXT NOT NULL,
        created_at TEXT NOT NULL, committed_at TEXT, undone_at TEXT
    ) STRICT""",
    # `before`: what an undo puts back; `version`: the book's after the import.
    """CREATE TABLE import_row (
        import_id TEXT NOT NULL REFERENCES import(id) ON DELETE CASCADE, number INTEGER NOT NULL,
        line INTEGER NOT NULL, outcome TEXT NOT NULL, source_key TEXT, record TEXT, reason TEXT,
        done INTEGER NOT NULL DEFAULT 0, book_id TEXT, before TEXT, version INTEGER, copies TEXT,
        PRIMARY KEY (import_id, number)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX import_row_key ON import_row(import_id, source_key)",
    "CREATE INDEX import_row_outcome ON import_row(import_id, outcome, number)",
    # Barcodes of what is staged, to tell copies from duplicates within one file.
    """CREATE TABLE import_barcode (
        import_id TEXT NOT NULL REFERENCES import(id) ON DELETE CASCADE, barcode TEXT NOT NULL,
        source_key TEXT NOT NULL, PRIMARY KEY (import_id, barcode)
    ) STRICT, WITHOUT ROWID""",
)

# Without these each part of a long import would look through all parts before it.
LONG_IMPORTS = (
    "CREATE INDEX import_row_book ON import_row(import_id, book_id)",
    "CREATE INDEX import_row_waiting ON import_row(import_id, number) WHERE NOT done",
    "CREATE INDEX import_row_taken ON import_row(import_id, number) WHERE version IS NOT NULL",
)

# The queue in the order of its turns, priority by priority: see edge.store.tasks.
TURNS = (
    """CREATE INDEX task_turn ON task(
        priority, ifnull(deadline, '9999'), max(created_at, ifnull(not_before, '')), id, not_before
    ) WHERE phase = 'QUEUED'""",
    """CREATE INDEX task_waiting_since ON task(priority, max(created_at, ifnull(not_before, '')))
        WHERE phase = 'QUEUED'""",
)

# Which account a provider's person signs in to: see edge.services.identities.
IDENTITIES = (
    """CREATE TABLE identity (
        issuer TEXT NOT NULL, subject TEXT NOT NULL, user_id TEXT NOT NULL REFERENCES user(id),
        email TEXT NOT NULL, made_account INTEGER NOT NULL, created_at TEXT NOT NULL,
        PRIMARY KEY (issuer, subject)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX identity_user ON identity(user_id)",
)

SLOTS = ("ALTER TABLE task ADD COLUMN slot INTEGER",)
