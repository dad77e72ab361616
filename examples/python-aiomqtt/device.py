"""A device on aiomqtt: its certificate is all it needs, and every job of it is a coroutine.

It registers, sends a temperature now and then, does what it is told, keeps a token for REST fresh, and comes back by
itself when the connection breaks. Settings come from the environment, as `certinel onboard` writes them into NAME.env.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import ssl
import time
import urllib.parse
import urllib.request

import aiomqtt

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
    """Ask the platform who we are. It blocks, so it is run in a thread."""
    request = urllib.request.Request(f"{URL}/identity/externalIds/c8y_Serial/{urllib.parse.quote(NAME, safe='')}")
    request.add_header("Authorization", f"Bearer {token}")
    trust = ssl.create_default_context(cafile=SERVER_CA)
    with urllib.request.urlopen(request, context=trust, timeout=30) as answer:
        return json.load(answer)["managedObject"]["id"]


async def measure(client):
    """Send a temperature again and again; publish returns when the platform has stored it."""
    while True:
        await asyncio.sleep(INTERVAL)
        row = f"211,{random.uniform(20, 25):.1f}"
        await client.publish("s/us", row, qos=1)
        print(f"sent {row}", flush=True)


async def keep_token(client, tokens):
    """Ask for a token, use it, and ask for the next one at its half-life."""
    while True:
        await client.publish("s/uat", "", qos=1)  # the token comes on s/dat
        try:
            token = await asyncio.wait_for(tokens.get(), RETRY_AFTER)
        except TimeoutError:
            continue
        wait = float(RENEW_AFTER) if RENEW_AFTER else renewal_in(token, time.time())
        print(f"token, to be renewed in {wait:.0f} s", flush=True)
        try:
            print(f"REST says I am managed object {await asyncio.to_thread(call_rest, token)}", flush=True)
        except OSError as error:  # 401: the token is no longer good
            print(f"REST: {error}", flush=True)
        await asyncio.sleep(wait)


async def listen(client, tokens):
    """Act on what comes."""
    async for message in client.messages:
        topic, text = str(message.topic), message.payload.decode()
        if topic == "s/dat" and text.startswith("71,"):
            await tokens.put(text[3:])
        elif topic == "s/ds":
            print(f"operation: {text}", flush=True)
            for reply in replies_to(text):
                await client.publish("s/us", reply, qos=1)
        elif topic == "s/e" and not text.startswith("41,100,"):  # that: it is there already, fine
            print(f"error: {text}", flush=True)


async def live():
    """One connection, from its beginning to its end."""
    async with aiomqtt.Client(
        HOST,
        PORT,
        identifier=f"d:{NAME}",
        tls_context=tls_context(),
        keepalive=60,
        protocol=aiomqtt.ProtocolVersion.V311,
    ) as client:
        print(f"connected as d:{NAME}", flush=True)
        # The platform keeps no session: subscribe on every connect.
        await client.subscribe([("s/ds", 1), ("s/e", 1), ("s/dat", 1)])
        await client.publish("s/us", f"100,{NAME},example_Thermometer", qos=1)  # creates the device
        tokens = asyncio.Queue()
        async with asyncio.TaskGroup() as group:  # when one of them fails, all end, and so does the connection
            for job in (measure(client), keep_token(client, tokens), listen(client, tokens)):
                group.create_task(job)


async def main():
    delay = 1
    while True:
        began = time.monotonic()
        try:
            await live()
        except* (aiomqtt.MqttError, OSError) as errors:
            print(f"disconnected: {errors.exceptions[0]}", flush=True)
        if time.monotonic() - began > 60:
            delay = 1
        await asyncio.sleep(delay * random.uniform(0.5, 1))  # not the whole fleet in the same moment
        delay = min(2 * delay, 60)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
