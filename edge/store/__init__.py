"""What the robot remembers: the only SQL. One database file, one writer a process, one SQLite library."""
