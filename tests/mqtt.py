"""As much of MQTT 3.1.1 and 5 as the system tests need: whole packets, and a publisher that loses nothing."""

import collections
import contextlib
import select
import socket
import struct
import threading
import time

CONNECT, CONNACK, PUBLISH, PUBACK, SUBACK = 1, 2, 3, 4, 9
PAUSE_S = 0.05
DRAIN_S = 60


class MqttError(Exception):
    """The broker did not do what it should."""


def remaining_length(size):
    encoded = bytearray()
    while True:
        size, byte = size >> 7, size & 0x7F
        encoded.append(byte | (0x80 if size else 0))
        if not size:
            return bytes(encoded)


def packet(first_byte, body):
    return bytes([first_byte]) + remaining_length(len(body)) + body


def packets(buffer):
    """Takes the whole packets from the front of a bytearray: (first byte, body)."""
    while True:
        size, shift, at = 0, 0, 1
        while True:
            if at >= len(buffer):
                return
            byte = buffer[at]
            size |= (byte & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not byte & 0x80:
                break
        if len(buffer) < at + size:
            return
        first, body = buffer[0], bytes(buffer[at:at + size])
        del buffer[:at + size]
        yield first, body


def two_bytes(body, at=0):
    return struct.unpack_from(">H", body, at)[0]


def publish_parts(body, mqtt5):
    """(topic, packet id, payload) of a PUBLISH with QoS 1."""
    at = 2 + two_bytes(body)
    payload = body[at + 2:]
    if mqtt5:
        properties_bytes, shift, used = 0, 0, 0
        while True:
            byte = payload[used]
            properties_bytes |= (byte & 0x7F) << shift
            shift, used = shift + 7, used + 1
            if not byte & 0x80:
                break
        payload = payload[used + properties_bytes:]
    return body[2:at].decode(), two_bytes(body, at), payload


class Publisher(threading.Thread):
    """Publishes over MQTT 3.1.1 with QoS 1, and sends again what was not acknowledged when a connection ended.

    What it sends again may come twice; nothing does while every connection ends within paused().
    """

    KEEP_ALIVE_S = 0  # none
    QUEUED_MAX = 10_000

    def __init__(self, port, client_id="publisher", window=200):
        super().__init__(daemon=True)
        self.port, self.client_id, self.window = port, client_id, window
        self.changed = threading.Condition()
        self.queued = collections.deque()  # (topic, payload)
        self.in_flight = {}                # packet id: (topic, payload), in the order of sending
        self.last_id = 0
        self.published = self.acknowledged = self.repeated = 0
        self.pauses = 0
        self.closing = False
        self.wake_reader, self.wake_writer = socket.socketpair()
        self.start()

    def publish(self, topic, payload):
        payload = payload if isinstance(payload, bytes) else payload.encode()
        with self.changed:
            self.changed.wait_for(lambda: len(self.queued) < self.QUEUED_MAX or self.closing)
            self.queued.append((topic.encode(), payload))
            self.published += 1
        self._wake()

    def drain(self, seconds=DRAIN_S):
        """Returns when the broker has acknowledged everything."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.acknowledged == self.published, seconds):
                raise MqttError(f"{self.published - self.acknowledged} messages are not acknowledged")

    @contextlib.contextmanager
    def paused(self):
        """Meanwhile publish() only queues, and the broker has acknowledged all that was sent."""
        with self.changed:
            self.pauses += 1
            if not self.changed.wait_for(lambda: not self.in_flight, DRAIN_S):
                raise MqttError(f"{len(self.in_flight)} messages are not acknowledged")
        try:
            yield
        finally:
            with self.changed:
                self.pauses -= 1
            self._wake()

    def abandon(self):
        self.closing = True
        with self.changed:
            self.changed.notify_all()
        self._wake()
        self.join(DRAIN_S)
        self.wake_reader.close()
        self.wake_writer.close()

    def run(self):
        while not self.closing:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=DRAIN_S) as link:
                    self._serve(link)
            except OSError:
                time.sleep(PAUSE_S)

    def _wake(self):
        self.wake_writer.send(b"!")

    def _serve(self, link):
        client = self.client_id.encode()
        link.sendall(packet(CONNECT << 4, b"\0\4MQTT\4\2" + struct.pack(">HH", self.KEEP_ALIVE_S, len(client)) + client))
        received, connected = bytearray(), False
        while not self.closing:
            readable, _, _ = select.select([link, self.wake_reader], [], [])
            if self.wake_reader in readable:
                self.wake_reader.recv(4096)
            if link in readable:
                bytes_read = link.recv(1 << 16)
                if not bytes_read:
                    raise ConnectionError
                received += bytes_read
                for first, body in packets(received):
                    if first >> 4 == CONNACK and body[1] == 0:
                        connected = True
                        self._send_again(link)
                    elif first >> 4 == PUBACK:
                        self._acknowledge(two_bytes(body))
            if connected:
                self._send_more(link)

    def _send_again(self, link):
        with self.changed:
            waiting = list(self.in_flight.items())
            self.repeated += len(waiting)
        link.sendall(b"".join(self._encode(number, *message) for number, message in waiting))

    def _send_more(self, link):
        out = []
        with self.changed:
            while self.queued and len(self.in_flight) < self.window and not self.pauses:
                self.last_id = self.last_id % 0xFFFF + 1
                self.in_flight[self.last_id] = self.queued.popleft()
                out.append(self._encode(self.last_id, *self.in_flight[self.last_id]))
            self.changed.notify_all()
        link.sendall(b"".join(out))

    def _encode(self, number, topic, payload):
        return packet(PUBLISH << 4 | 2, struct.pack(">H", len(topic)) + topic + struct.pack(">H", number) + payload)

    def _acknowledge(self, number):
        with self.changed:
            if self.in_flight.pop(number, None):
                self.acknowledged += 1
                self.changed.notify_all()
