"""A device on paho-mqtt: its certificate is all it needs.

It registers, sends a temperature now and then, does what it is told, keeps a token for REST fresh, and comes back by
itself when the connection breaks. Settings come from the environment, as `certinel onboard` writes them into NAME.env.
"""

import base64
import contextlib
import json
import os
import queue
import random
import ssl
import time
import urllib.parse
import urllib.request

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

NAME = os.environ["DEVICE_NAME"]
HOST = os.environ["DEVICE_HOST"]
PORT = int(os.environ.get("DEVICE_MQTT_PORT", "8883"))
URL = os.environ["DEVICE_URL"]
SERVER_CA = os.environ.get("DEVICE_SERVER_CA") or None  # None: whom this computer trusts
INTERVAL = float(os.environ.get("DEVICE_INTERVAL", "10"))  # seconds between measurements
RENEW_AFTER = os.environ.get("DEVICE_RENEW_AFTER")  # seconds; by default half of a token's life
RETRY_AFTER = 60  # seconds until a request for a token that nobody has answered is made again


def tls_context():
    """The device's own certificate and key, and whom it trusts. The server's name is checked."""
    context = ssl.create_default_context(cafile=SERVER_CA)
    context.load_cert_chain(os.environ["DEVICE_CHAIN"], os.environ["DEVICE_KEY"])
    return context


def replies_to(operation):
    """Carry out one operation, a SmartREST row, and return the rows that say how it went. Here: 510, restart."""
    template, _, _ = operation.partition(",")
    if template == "510":
        return ["501,c8y_Restart", "503,c8y_Restart"]  # executing; successful
    return []


def renewal_in(token, now):
    """Seconds until half of the token's life is over: only from then on the platform gives a new one."""
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    half_life = (claims["exp"] - claims["iat"]) / 2
    return max(30.0, min(half_life, claims["iat"] + half_life - now))  # a clock that is wrong shall not cause a storm


def call_rest(token):
    """Ask the platform who we are."""
    request = urllib.request.Request(f"{URL}/identity/externalIds/c8y_Serial/{urllib.parse.quote(NAME, safe='')}")
    request.add_header("Authorization", f"Bearer {token}")
    trust = ssl.create_default_context(cafile=SERVER_CA)
    with urllib.request.urlopen(request, context=trust, timeout=30) as answer:
        return json.load(answer)["managedObject"]["id"]


class Device:
    """Paho's thread only tells the main loop what has come: what blocks in a callback stops the connection."""

    def __init__(self):
        self.arrived = queue.Queue()
        self.measure_at = time.monotonic() + INTERVAL
        self.renew_at = float("inf")
        self.is_registered = False  # on this connection; what is sent earlier would create the device nameless
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"d:{NAME}", protocol=mqtt.MQTTv311)
        self.client.tls_set_context(tls_context())
        self.client.reconnect_delay_set(min_delay=1, max_delay=60)
        self.client.max_queued_messages_set(1000)  # measurements that wait while there is no connection
        self.client.on_connect = self.on_connect
        self.client.on_disconnect = self.on_disconnect
        self.client.on_message = lambda _c, _u, message: self.arrived.put((message.topic, message.payload.decode()))

    def on_connect(self, client, _userdata, _flags, reason, _properties):
        """Runs after the first connect and after every reconnect."""
        if reason.is_failure:
            print(f"refused: {reason}", flush=True)  # paho tries again, more and more slowly
            return
        print(f"connected as d:{NAME}", flush=True)
        # The platform keeps no session: what was subscribed before is forgotten.
        client.subscribe([("s/ds", 1), ("s/e", 1), ("s/dat", 1)])
        client.publish("s/us", f"100,{NAME},example_Thermometer", qos=1)  # creates the device
        self.is_registered = True
        self.arrived.put(("connected", ""))

    def on_disconnect(self, _client, _userdata, _flags, reason, _properties):
        self.is_registered = False
        print(f"disconnected: {reason}", flush=True)

    def run(self):
        """Live, until Ctrl-C."""
        self.client.connect_async(HOST, PORT, keepalive=60)
        self.client.loop_start()
        try:
            while True:
                wait = min(self.measure_at, self.renew_at) - time.monotonic()
                with contextlib.suppress(queue.Empty):
                    self.act(*self.arrived.get(timeout=max(0.0, wait)))
                if time.monotonic() >= self.renew_at:
                    self.ask_for_token()
                if time.monotonic() >= self.measure_at:
                    self.measure()
        except KeyboardInterrupt:
            self.client.disconnect()
            self.client.loop_stop()

    def act(self, topic, text):
        """Do what has come."""
        if topic == "connected":
            self.ask_for_token()
        elif topic == "s/dat" and text.startswith("71,"):
            self.use(text[3:])
        elif topic == "s/ds":
            print(f"operation: {text}", flush=True)
            for reply in replies_to(text):
                self.client.publish("s/us", reply, qos=1)
        elif topic == "s/e" and not text.startswith("41,100,"):  # that: it is there already, fine
            print(f"error: {text}", flush=True)

    def measure(self):
        """Send a temperature, and say so when the platform has stored it."""
        self.measure_at = time.monotonic() + INTERVAL
        if self.is_registered:
            row = f"211,{random.uniform(20, 25):.1f}"
            message = self.client.publish("s/us", row, qos=1)
            with contextlib.suppress(RuntimeError):  # the connection has just gone: paho sends it when it is back
                message.wait_for_publish(30)
                print(f"sent {row}" if message.is_published() else f"not acknowledged yet: {row}", flush=True)

    def ask_for_token(self):
        """The token comes on s/dat."""
        self.client.publish("s/uat", "", qos=1)
        self.renew_at = time.monotonic() + RETRY_AFTER

    def use(self, token):
        """Call REST with a token, and see to it that there will be a next one."""
        wait = float(RENEW_AFTER) if RENEW_AFTER else renewal_in(token, time.time())
        self.renew_at = time.monotonic() + wait
        print(f"token, to be renewed in {wait:.0f} s", flush=True)
        try:
            print(f"REST says I am managed object {call_rest(token)}", flush=True)
        except OSError as error:  # 401: the token is no longer good
            print(f"REST: {error}", flush=True)


if __name__ == "__main__":
    Device().run()
