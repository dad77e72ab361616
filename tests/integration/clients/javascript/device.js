// A device on MQTT.js; the words it understands and writes are those of ../python/device.py.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import mqtt from "mqtt";

const names = ["host", "port", "client-id", "ca", "chain", "key", "user", "password", "version"];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
const tell = (...words) => process.stdout.write(`${words.join("\t")}\n`);
const file = (path) => (path ? readFileSync(path) : undefined);
const versions = {
  3.1: { protocolVersion: 3, protocolId: "MQIsdp" },
  "3.1.1": { protocolVersion: 4 },
  "5.0": { protocolVersion: 5 },
};

const client = mqtt.connect(`mqtts://${values.host}:${values.port}`, {
  ...versions[values.version ?? "3.1.1"],
  clientId: values["client-id"],
  ca: file(values.ca),
  cert: file(values.chain),
  key: file(values.key),
  username: values.user,
  password: values.password,
  reconnectPeriod: 0,
});

let outcome = "lost";
client.on("connect", () => tell("connected"));
client.on("message", (topic, payload) => tell("message", topic, payload.toString("base64")));
client.on("error", (error) => {
  outcome = "disconnected";
  tell("refused", error.code, error.message);
});
client.on("close", () => {
  tell(outcome);
  process.stdin.destroy();
});

createInterface({ input: process.stdin }).on("line", (line) => {
  const [word, topic, qos, payload] = line.split("\t");
  if (word === "subscribe") {
    client.subscribe(topic, { qos: Number(qos) }, (error, granted) =>
      tell("subscribed", topic, error ? 128 : granted[0].qos),
    );
  } else if (word === "publish") {
    client.publish(topic, Buffer.from(payload, "base64"), { qos: Number(qos) }, (error) =>
      error ? tell("failed", topic, error.message) : tell("published", topic),
    );
  } else if (word === "disconnect") {
    outcome = "disconnected";
    client.end();
  }
});
