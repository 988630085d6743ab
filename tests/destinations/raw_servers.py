"""Servers for tests that answer byte by byte as they like, and what reached them."""

import socket
import threading
from contextlib import contextmanager

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class RawServer:
    """A server on an address of this machine, which speaks HTTP only as far as `answer` does.

    `answer` gets the connection and the head of a request, whose body has been read, and says
    whether the connection is kept. `greeting` is what it says before anything was asked.
    """

    def __init__(self, answer, *, address="127.0.0.1", port=0, context=None, greeting=b""):
        self.answer, self.context, self.greeting = answer, context, greeting
        self.heads, self.bodies = [], []
        self.connections = 0
        self.listener = socket.create_server((address, port))
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://{address}:{self.port}/hook"
        self._open = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self._open.append(connection)
            connection.sendall(self.greeting)
            while (head := self._read(connection)) is not None:
                self.heads.append(head)
                if not self.answer(connection, head):
                    break
        except OSError:
            pass
        finally:
            connection.close()

    def _read(self, connection):
        """The head of the next request; None if there is none."""
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                return None
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        head = head.decode()
        length = next(
            (
                int(line.partition(":")[2])
                for line in head.splitlines()
                if line.lower().startswith("content-length:")
            ),
            0,
        )
        while len(body) < length:
            body += connection.recv(65536)
        self.bodies.append(body)
        return head


@contextmanager
def raw_server(answer=None, **named):
    """A server that answers so, or else with 200 and keeps its connections."""
    server = RawServer(answer or takes, **named)
    try:
        yield server
    finally:
        server.close()


def takes(connection, head):
    connection.sendall(OK)
    return True


def says(text, *, keeps=True):
    """An answer of these bytes."""

    def answer(connection, head):
        connection.sendall(text)
        return keeps

    return answer
