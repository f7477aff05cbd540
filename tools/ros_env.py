"""Give every interpreter of .venv the environment of the ROS installation and of our overlay.

`tools/setup.sh` copies this file into .venv where ROS 2 is installed on the machine, beside a .pth
file that calls `enter` at the start of the interpreter. The dynamic linker reads LD_LIBRARY_PATH once,
when a process begins, so the process replaces itself by the same command with the variables set, as if
somebody had sourced setup.bash. `EnvironmentFile=` of a service file with `.venv/ros.env` saves that.
"""

import os
import sys


def enter() -> None:
    """Run this command again with the variables of `ros.env`, unless they are there already."""
    if os.environ.get("LUNA_ROS_ENV") == sys.prefix:
        return
    # Without pathlib: every start of an interpreter passes here.
    with open(os.path.join(sys.prefix, "ros.env"), encoding="utf-8") as lines:  # noqa: PTH118, PTH123
        for line in lines:
            name, _, value = line.rstrip("\n").partition("=")
            os.environ[name] = value
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
