#!/usr/bin/env python3
"""Runs a program on a terminal of its own and answers its questions: terminal.py QUESTION=ANSWER... -- COMMAND...

What the program writes to the terminal goes to standard output; each question is waited for, in its order, and then the
answer and a return are typed. Ends with the program's exit code, or with 99 if a question never comes.
"""

import os
import pty
import select
import sys


def main():
    at = sys.argv.index("--")
    script = [argument.split("=", 1) for argument in sys.argv[1:at]]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.argv[at + 1], sys.argv[at + 1 :])
    seen = b""
    while True:
        if not select.select([terminal], [], [], 40)[0]:
            break
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        sys.stdout.buffer.write(data)
        seen += data
        if script and script[0][0].encode() in seen:
            os.write(terminal, script.pop(0)[1].encode() + b"\n")
            seen = b""
    sys.stdout.flush()
    if script:
        os.kill(child, 9)
    status = os.waitpid(child, 0)[1]
    sys.exit(99 if script else os.waitstatus_to_exitcode(status))


main()
