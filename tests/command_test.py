#!/usr/bin/env python3
"""Commands over a real mosquitto, by CLI, and what HTTP shows of them. WAYSIDE_BINARY: the gateway."""

import json
import os
import shutil
import socket
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

from proxy import MqttProxy
from system import DEFAULT_BINARY, QUICK_GATEWAY, Stand, fill, free_port, wait_for

BINARY = os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY)
CLIENT = shutil.which("mosquitto_rr")

ORDERS = QUICK_GATEWAY + """\
[http]
listen = "127.0.0.1:{http}"
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1:{port}"
version = "{version}"
reconnect_max = "1s"
[[command]]
name = "orders"
topic = "shop/{till}/{kind}"
key = "order_id"
id = "command_id"
version = "version"
changes = "kind != 'get'"
require = { no_amount = "kind = 'get' OR amount > 0" }
answer_topic = "answers/shop/{till}"
view = "order_list"
[command.fields]
order_id = { path = "order", type = "text" }
command_id = { path = "id", type = "text" }
version = "version"
amount = "amount"
[[view]]
name = "order_list"
from = "orders"
select = { amount = "amount", till = "till" }
"""


class CommandTest(unittest.TestCase):
    def start(self, version="5"):
        self.stand = self.enterContext(Stand("command"))
        self.broker = self.stand.mosquitto()
        self.proxy = self.stand.add(MqttProxy(self.broker.port))
        self.http = free_port()
        config = fill(ORDERS, port=self.proxy.port, http=self.http, id="g", version=version)
        self.gateway = self.stand.daemon(BINARY, config)
        self.gateway.check()
        self.broker.start()
        self.gateway.start()
        wait_for("the subscription", self.proxy.subscribed.is_set)

    def ask(self, topic, command, response="me/answers", version="mqttv5"):
        """The answer to a command, as a client with a response topic of its own gets it."""
        done = subprocess.run([CLIENT, "-p", str(self.broker.port), "-V", version, "-t", topic, "-e", response,
                               "-m", json.dumps(command), "-W", "10"], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def send(self, command, *more):
        done = subprocess.run([BINARY, "command", "--config", self.gateway.config, *more, "orders",
                               json.dumps(command)], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=10) as answer:
            return json.load(answer)

    @unittest.skipUnless(CLIENT, "there is no mosquitto_rr")
    def test_a_command_is_answered_at_its_response_topic_and_seen_over_http(self):
        self.start()
        self.assertEqual(self.ask("shop/1/put", {"order": "o1", "id": "a", "amount": 5, "version": 0}),
                         {"command": "orders", "key": "o1", "id": "a", "outcome": "accepted", "version": 1,
                          "row": {"order_id": "o1", "amount": 5, "till": "1"}})
        again = self.ask("shop/1/put", {"order": "o1", "id": "b", "amount": 9, "version": 0})
        self.assertEqual((again["outcome"], again["reason"], again["version"]), ("refused", "version", 1))
        self.assertEqual(self.ask("shop/2/get", {"order": "o1", "id": "c"})["row"]["amount"], 5)
        self.assertEqual([row["amount"] for row in self.get("/views/order_list?key=o1")["rows"]], [5])
        decided = self.get("/query?" + urllib.parse.urlencode({"sql": "SELECT id, outcome FROM commands"}))
        self.assertEqual(decided["rows"], [{"id": "a", "outcome": "accepted"}, {"id": "b", "outcome": "refused"},
                                           {"id": "c", "outcome": "accepted"}])
        self.assertEqual(self.get("/status")["gateway"], "g")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.get("/views/none")
        self.assertEqual(refused.exception.code, 404)

    @unittest.skipUnless(CLIENT, "there is no mosquitto_rr")
    def test_mqtt_3_1_1_has_the_answer_at_the_topic_of_the_configuration(self):
        self.start(version="3.1.1")
        answer = self.ask("shop/1/put", {"order": "o1", "id": "a", "amount": 5}, "answers/shop/1", "mqttv311")
        self.assertEqual(answer["outcome"], "accepted")

    def test_the_command_line_waits_for_the_answer_and_says_it_in_its_exit_code(self):
        self.start()
        code, text = self.send({"order": "o1", "id": "a", "amount": 5, "till": 7, "kind": "put"})
        self.assertEqual((code, json.loads(text)["row"]["till"]), (0, "7"))
        again = self.send({"order": "o1", "id": "a", "amount": 5, "till": 7, "kind": "put"})
        self.assertEqual((again[0], json.loads(again[1])), (code, json.loads(text) | {"repeated": True}))
        code, text = self.send({"order": "o1", "id": "b", "till": 7, "kind": "put"})
        self.assertEqual((code, json.loads(text)["reason"]), (65, "no_amount"))
        self.assertEqual(self.send({"id": "b", "till": 7, "kind": "put"}),
                         (64, "wayside: no_key: 'order_id' is missing or empty\n"))
        code, text = self.send({"order": "o1", "id": "b", "kind": "put"})
        self.assertEqual((code, text), (64, 'wayside: the topic needs a "till" in the command\n'))
        self.gateway.kill()
        self.gateway.start()
        wait_for("the gateway", lambda: self.send({"order": "o1", "id": "g", "till": 1, "kind": "get"})[0] == 0)
        code, text = self.send({"order": "o1", "id": "a", "amount": 5, "till": 7, "kind": "put"})
        self.assertEqual((code, json.loads(text)["version"]), (0, 1))
        self.gateway.stop()
        self.assertEqual(self.send({"order": "o1", "id": "c", "amount": 5, "till": 7, "kind": "put"})[0], 69)
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(self.gateway.state / "command.sock"))
            silent.listen()
            code, text = self.send({"order": "o1", "id": "c", "amount": 5, "till": 7, "kind": "put"}, "--timeout", "200ms")
            self.assertEqual(code, 69)
            self.assertIn("no answer in 200ms; send the command again", text)


if __name__ == "__main__":
    unittest.main()
