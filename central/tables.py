"""The central server's tables."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("id", String, primary_key=True),
    Column("email", String, nullable=False, unique=True),
    Column("password_hash", String, nullable=False),
    Column("role", String, nullable=False),
)

robot = Table(
    "robot",
    metadata,
    Column("id", String, primary_key=True),
    Column("connection", JSON, nullable=False),
    Column("state", JSON, nullable=False),
)

cursor = Table(
    "cursor",
    metadata,
    Column("stream", String, primary_key=True),
    Column("robot_id", String, nullable=False),
    Column("through", Integer, nullable=False),
)

# The ledger: every event that ever came, once.
event = Table(
    "event",
    metadata,
    Column("stream", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("id", String, nullable=False, unique=True),
    Column("robot_id", String, nullable=False),
    Column("type", String, nullable=False),
    Column("entity", String, nullable=False),
    Column("entity_id", String, nullable=False),
    Column("body", JSON, nullable=False),
    PrimaryKeyConstraint("stream", "seq"),
)

rejected = Table(
    "rejected",
    metadata,
    Column("stream", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("id", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("body", JSON, nullable=False),
    PrimaryKeyConstraint("stream", "seq"),
)

# The newest state of everything, as the robots' events tell it. Columns beside `data` are for looking things up.
record = Table(
    "record",
    metadata,
    Column("entity", String, nullable=False),
    Column("id", String, nullable=False),
    Column("robot_id", String, nullable=False),
    Column("data", JSON, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("user_id", String),
    Column("book_id", String),
    Column("status", String),
    Column("words", String, nullable=False),
    Column("created_at", String, nullable=False),
    PrimaryKeyConstraint("entity", "id"),
)
Index("record_order", record.c.entity, record.c.created_at, record.c.id)
Index("record_user", record.c.entity, record.c.user_id)
Index("record_book", record.c.entity, record.c.book_id)

# What the robots have to be told. `head` is the last number given, `acked` the last that the robot has committed.
down_stream = Table(
    "down_stream",
    metadata,
    Column("robot_id", String, primary_key=True),
    Column("stream", String, nullable=False),
    Column("head", Integer, nullable=False),
    Column("acked", Integer, nullable=False),
)

down_event = Table(
    "down_event",
    metadata,
    Column("stream", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    PrimaryKeyConstraint("stream", "seq"),
)
