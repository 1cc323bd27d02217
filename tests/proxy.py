"""Proxies between the gateway and its two brokers: one notes what is acknowledged when, one holds requests back."""

import contextlib
import socket
import struct
import threading
import time

import mqtt


class Proxy:
    """Listens on `port` and passes everything on to another one, frame by frame through `look`."""

    def __init__(self, target_port, port=0):
        self.target_port = target_port
        self.closed = False
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def abandon(self):
        self.closed = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def frames(self, buffer):
        """Takes the whole frames from the front of a bytearray."""
        raise NotImplementedError

    def look(self, frame, from_gateway, link, now_ns):
        """`link` is a dict that the two directions of a connection share. False: the connection ends here."""
        raise NotImplementedError

    def _accept(self):
        while not self.closed:
            with contextlib.suppress(OSError):
                threading.Thread(target=self._join, args=(self.listener.accept()[0],), daemon=True).start()

    def _join(self, gateway):
        with gateway, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.target_port)) as broker:
            for end in (gateway, broker):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = {}
            answers = threading.Thread(target=self._pump, args=(broker, gateway, False, link), daemon=True)
            answers.start()
            self._pump(gateway, broker, True, link)
            answers.join()

    def _pump(self, source, sink, from_gateway, link):
        unparsed = bytearray()
        with contextlib.suppress(OSError):
            while received := source.recv(1 << 16):
                now_ns = time.monotonic_ns()
                unparsed += received
                # What is passed on is cut at frames: nothing of one that is held back gets through.
                whole = []
                for frame in self.frames(unparsed):
                    if not self.look(frame, from_gateway, link, now_ns):
                        sink.sendall(b"".join(whole))
                        return self._end(source, sink)
                    whole.append(self.bytes_of(frame))
                sink.sendall(b"".join(whole))
        return self._end(source, sink)

    @staticmethod
    def _end(*ends):
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class MqttProxy(Proxy):
    """Stands between gateway and mosquitto and notes what the gateway acknowledges when."""

    def __init__(self, broker_port, port=0):
        self.acks = []  # (CLOCK_MONOTONIC ns, payload)
        self.strange_acks = 0  # of messages that were not under way
        self.subscribed = threading.Event()
        super().__init__(broker_port, port)

    def frames(self, buffer):
        return mqtt.packets(buffer)

    def bytes_of(self, frame):
        return mqtt.packet(*frame)

    def look(self, frame, from_gateway, link, now_ns):
        first, body = frame
        kind = first >> 4
        if from_gateway and kind == mqtt.CONNECT:
            link["mqtt5"] = body[6] == 5
        elif from_gateway and kind == mqtt.PUBACK:
            payload = link.pop(mqtt.two_bytes(body), None)
            if payload is None:
                self.strange_acks += 1
            else:
                self.acks.append((now_ns, payload))
        elif not from_gateway and kind == mqtt.SUBACK:
            self.subscribed.set()
        elif not from_gateway and kind == mqtt.PUBLISH and first & 6:
            _, number, payload = mqtt.publish_parts(body, link["mqtt5"])
            link[number] = payload
        return True


class KafkaProxy(Proxy):
    """Stands between gateway and Kafka; a trap keeps the next request of a kind, or its answer, for ever."""

    TRANSACTION = PRODUCE, ADD_OFFSETS, TXN_OFFSET_COMMIT, END_TXN = 0, 25, 28, 26  # Kafka's API keys
    REQUEST, ANSWER = "request", "answer"

    def __init__(self, broker_port):
        self.lock = threading.Lock()
        self.trap = None  # (API key, REQUEST or ANSWER)
        self.caught = threading.Event()
        self.opened = threading.Event()
        super().__init__(broker_port)

    def set_trap(self, api_key, what):
        with self.lock:
            self.trap = (api_key, what)
            self.caught.clear()
            self.opened.clear()

    def open_trap(self):
        """What was caught is thrown away, and its connection ended."""
        with self.lock:
            self.trap = None
            self.opened.set()

    def frames(self, buffer):
        while len(buffer) >= 4:
            end = 4 + struct.unpack_from(">i", buffer)[0]
            if len(buffer) < end:
                return
            frame = bytes(buffer[:end])
            del buffer[:end]
            yield frame

    def bytes_of(self, frame):
        return frame

    def look(self, frame, from_gateway, link, now_ns):
        if from_gateway:
            api_key, _, correlation = struct.unpack_from(">hhi", frame, 4)
            link[correlation] = api_key
            return not self._catch(api_key, self.REQUEST)
        return not self._catch(link.pop(struct.unpack_from(">i", frame, 4)[0], None), self.ANSWER)

    def _catch(self, api_key, what):
        with self.lock:
            if self.trap != (api_key, what):
                return False
            self.trap = None
            self.caught.set()
        self.opened.wait()
        return True
