"""Pure rules: no I/O, no clock, no logging. Whatever needs the time is given it."""
