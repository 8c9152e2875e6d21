"""A proxy that breaks answers off."""

import socket
import threading
import urllib.parse


class Cutter:
    """A proxy that breaks off the answer to /stream_events behind so many bytes, by a reset or by a proper end."""

    def __init__(self, base, limit, is_clean):
        self.limit, self.is_clean = limit, is_clean
        target = urllib.parse.urlsplit(base)
        self.target = (target.hostname, target.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client):
        request = b""
        while b"\r\n\r\n" not in request:
            part = client.recv(65536)
            if not part:
                return client.close()
            request += part
        head, body = request.split(b"\r\n\r\n", 1)
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        length = next((int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += client.recv(65536)
        is_cut = b"/stream_events" in lines[0]
        with socket.create_connection(self.target) as server:
            # HTTP/1.0: the end of the body is the end of the connection, so that a clean end is one.
            if is_cut and self.is_clean:
                lines[0] = lines[0].replace(b"HTTP/1.1", b"HTTP/1.0")
            server.sendall(b"\r\n".join(lines + [b"connection: close"]) + b"\r\n\r\n" + body)
            sent = 0
            while part := server.recv(4096):
                if is_cut:
                    part = part[: self.limit - sent]
                client.sendall(part)
                sent += len(part)
                if is_cut and sent >= self.limit:
                    break
        if is_cut and not self.is_clean:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()

    def close(self):
        self.listener.close()
