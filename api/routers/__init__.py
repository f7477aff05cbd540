"""One router a resource. A handler parses, calls one service and answers."""
