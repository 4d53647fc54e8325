#!/usr/bin/env python3
"""Runs a program in a network namespace of its own, where it reaches one server and nothing else.

    loopback_only.py PORT program arguments…

The server listens on 127.0.0.1:PORT of this machine. In the namespace the same address leads to it, through a Unix socket,
which namespaces share. Needs Linux, and root or user namespaces. The exit status is the program's.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

SIOCSIFFLAGS = 0x8914
IFF_UP = 1
HOST = "127.0.0.1"
INSIDE = "--inside"


def copy(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            end.close()


def forward(listener, connect):
    """Connects each client of the listener with a new connection."""
    while True:
        client, _ = listener.accept()
        server = connect()
        for pair in ((client, server), (server, client)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


def start_forwarding(listener, connect):
    threading.Thread(target=forward, args=(listener, connect), daemon=True).start()


def to_unix_socket(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


def bring_loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def inside(path, port, command):
    bring_loopback_up()
    start_forwarding(socket.create_server((HOST, port)), lambda: to_unix_socket(path))
    return subprocess.run(command, check=False).returncode


def outside(port, command):
    with tempfile.TemporaryDirectory(prefix="llmproxy-loopback-") as folder:
        path = os.path.join(folder, "socket")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        start_forwarding(listener, lambda: socket.create_connection((HOST, port)))
        unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
        return subprocess.run(
            [*unshare, sys.executable, __file__, INSIDE, path, str(port), *command], check=False
        ).returncode


def main(arguments):
    if arguments[0] == INSIDE:
        return inside(arguments[1], int(arguments[2]), arguments[3:])
    return outside(int(arguments[0]), arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
