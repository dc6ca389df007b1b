"""Runs a command on a terminal of its own: screen.py STEPS COMMAND...

STEPS is JSON, a list of ["expect", TEXT] (waits until that is on the screen) and ["send", TEXT]. What was on the screen
goes to standard output, unless the first step is ["blind"]. Ends as the command does, with 99 if a step took too long.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

steps, command = json.loads(sys.argv[1]), sys.argv[2:]
blind = bool(steps) and steps[0] == ["blind"]
steps = steps[blind:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
screen, open_, deadline = b"", True, time.monotonic() + 40


def look():
    """Takes what has come to the screen; false once nothing more can come."""
    global screen, open_
    if open_ and select.select([terminal], [], [], 0.2)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        open_ = bool(data)
        screen += data
    if time.monotonic() > deadline:
        os.kill(pid, 9)
        sys.stdout.write(f"TOO LATE at {steps[:1]}\n" + ("" if blind else screen.decode(errors="replace")))
        sys.exit(99)
    return open_


seen = 0
while steps:
    kind, text = steps[0]
    if kind == "expect":
        at = screen.find(text.encode(), seen)
        if at >= 0:
            seen = at + len(text.encode())
            steps.pop(0)
        elif not look():
            break
    else:
        os.write(terminal, text.encode())
        steps.pop(0)
while look():
    pass
_, status = os.waitpid(pid, 0)
if not blind:
    sys.stdout.write(screen.decode(errors="replace").replace("\r\n", "\n"))
if steps:
    sys.stdout.write(f"NEVER SEEN: {steps[0]}\n")
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
