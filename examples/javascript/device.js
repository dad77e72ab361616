// A device on MQTT.js: its certificate is all it needs.
//
// It registers, sends a temperature now and then, does what it is told, keeps a token for REST fresh, and comes back by
// itself when the connection breaks. Settings come from the environment, as `certinel onboard` writes them into NAME.env.
"use strict";

const { readFileSync } = require("node:fs");
const https = require("node:https");
const mqtt = require("mqtt");

const env = process.env;
const name = env.DEVICE_NAME;
const serverCa = env.DEVICE_SERVER_CA ? readFileSync(env.DEVICE_SERVER_CA) : undefined; // undefined: whom Node.js trusts
const interval = Number(env.DEVICE_INTERVAL ?? 10) * 1000;
const renewAfter = env.DEVICE_RENEW_AFTER; // seconds; by default half of a token's life
const retryAfter = 60_000; // until a request for a token that nobody has answered is made again

// Carry out one operation, a SmartREST row, and return the rows that say how it went. Here: 510, restart.
function repliesTo(operation) {
  return operation.split(",")[0] === "510" ? ["501,c8y_Restart", "503,c8y_Restart"] : []; // executing; successful
}

// Seconds until half of the token's life is over: only from then on the platform gives a new one.
function renewalIn(token, now) {
  const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
  const halfLife = (claims.exp - claims.iat) / 2;
  return Math.max(30, Math.min(halfLife, claims.iat + halfLife - now)); // a clock that is wrong shall not cause a storm
}

// Ask the platform who we are.
function callRest(token) {
  return new Promise((resolve, reject) => {
    const url = `${env.DEVICE_URL}/identity/externalIds/c8y_Serial/${encodeURIComponent(name)}`;
    const options = { ca: serverCa, headers: { Authorization: `Bearer ${token}` }, timeout: 30_000 };
    const request = https.get(url, options, (answer) => {
      let body = "";
      answer.on("data", (part) => (body += part));
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve(JSON.parse(body).managedObject.id);
        else reject(new Error(`HTTP ${answer.statusCode}`)); // 401: the token is no longer good
      });
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", reject);
  });
}

function run() {
  const client = mqtt.connect(`mqtts://${env.DEVICE_HOST}:${env.DEVICE_MQTT_PORT ?? 8883}`, {
    clientId: `d:${name}`,
    ca: serverCa,
    cert: readFileSync(env.DEVICE_CHAIN),
    key: readFileSync(env.DEVICE_KEY),
    keepalive: 60,
    resubscribe: false, // done below, on every connect: the platform keeps no session
  });
  let renewal;
  let pause = 1000; // before it connects again: twice as long each time, and not the whole fleet in the same moment
  let isRegistered = false; // on this connection; what is sent earlier would create the device nameless
  const askForToken = () => {
    clearTimeout(renewal);
    renewal = setTimeout(askForToken, retryAfter);
    client.publish("s/uat", "", { qos: 1 }); // the token comes on s/dat
  };

  client.on("connect", () => {
    console.log(`connected as d:${name}`);
    pause = 1000;
    client.subscribe(["s/ds", "s/e", "s/dat"], { qos: 1 }, (error) => {
      if (error) return console.log(`error: ${error.message}`);
      client.publish("s/us", `100,${name},example_Thermometer`, { qos: 1 }); // creates the device
      isRegistered = true;
      askForToken();
    });
  });
  client.on("close", () => {
    isRegistered = false;
    clearTimeout(renewal);
    console.log("disconnected");
    client.options.reconnectPeriod = pause * (0.5 + Math.random() / 2);
    pause = Math.min(2 * pause, 60_000);
  });
  client.on("error", (error) => console.log(`refused: ${error.message}`)); // MQTT.js tries again
  client.on("message", async (topic, payload) => {
    const text = payload.toString();
    if (topic === "s/dat" && text.startsWith("71,")) {
      const token = text.slice(3);
      const wait = renewAfter ? Number(renewAfter) : renewalIn(token, Date.now() / 1000);
      clearTimeout(renewal);
      renewal = setTimeout(askForToken, wait * 1000);
      console.log(`token, to be renewed in ${wait.toFixed(0)} s`);
      try {
        console.log(`REST says I am managed object ${await callRest(token)}`);
      } catch (error) {
        console.log(`REST: ${error.message}`);
      }
    } else if (topic === "s/ds") {
      console.log(`operation: ${text}`);
      for (const reply of repliesTo(text)) client.publish("s/us", reply, { qos: 1 });
    } else if (topic === "s/e" && !text.startsWith("41,100,")) {
      // that one: the device is there already, which is fine
      console.log(`error: ${text}`);
    }
  });

  const measuring = setInterval(() => {
    if (!isRegistered) return;
    const row = `211,${(20 + Math.random() * 5).toFixed(1)}`;
    // called back when the platform has stored it
    client.publish("s/us", row, { qos: 1 }, (error) => error || console.log(`sent ${row}`));
  }, interval);
  process.on("SIGINT", () => {
    clearInterval(measuring);
    clearTimeout(renewal);
    client.end();
  });
}

if (require.main === module) run();
module.exports = { renewalIn, repliesTo };
