// Signs a verification code with a private key that never leaves this page.

const CURVES = { "1.2.840.10045.3.1.7": ["P-256", 32], "1.3.132.0.34": ["P-384", 48], "1.3.132.0.35": ["P-521", 66] };
const EC_KEY = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const RSA_KEY = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
const CURVE_NAMES = {
  "1.2.840.10045.3.1.7": [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
  "1.3.132.0.34": [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22],
  "1.3.132.0.35": [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
};

class EncryptedKey extends Error {}

function element(tag, content) {
  const length = content.length;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return [tag, ...head, ...content];
}

function holds(bytes, part) {
  for (let at = 0; at + part.length <= bytes.length; at += 1) {
    if (part.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}

function pkcs8(pem) {
  if (pem.includes("ENCRYPTED")) throw new EncryptedKey();
  const block = /-----BEGIN ((?:RSA |EC )?)PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END/.exec(pem);
  if (!block) throw new Error("no key");
  const der = [...atob(block[2].replace(/\s/g, ""))].map((letter) => letter.charCodeAt(0));
  if (block[1] === "") return der;
  if (block[1] === "RSA ") return element(0x30, [0x02, 0x01, 0x00, ...element(0x30, RSA_KEY), ...element(0x04, der)]);
  const curve = Object.values(CURVE_NAMES).find((name) => holds(der, name));
  if (!curve) throw new Error("unknown curve");
  return element(0x30, [0x02, 0x01, 0x00, ...element(0x30, [...EC_KEY, ...curve]), ...element(0x04, der)]);
}

function integer(bytes) {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = [...bytes.slice(start < 0 ? bytes.length - 1 : start)];
  return element(0x02, digits[0] & 0x80 ? [0, ...digits] : digits);
}

async function signature(pem, text) {
  const der = pkcs8(pem);
  const content = new TextEncoder().encode(text);
  const oid = Object.keys(CURVE_NAMES).find((name) => holds(der.slice(0, 64), CURVE_NAMES[name]));
  const [curve, size] = oid ? CURVES[oid] : [null, 0];
  const algorithm = oid ? { name: "ECDSA", namedCurve: curve } : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("pkcs8", new Uint8Array(der), algorithm, false, ["sign"]);
  const how = oid ? { name: "ECDSA", hash: "SHA-256" } : algorithm;
  const raw = new Uint8Array(await crypto.subtle.sign(how, key, content));
  const signed = oid ? element(0x30, [...integer(raw.slice(0, size)), ...integer(raw.slice(size))]) : raw;
  return btoa(String.fromCharCode(...signed));
}

for (const place of document.querySelectorAll("[data-sign]")) {
  if (!globalThis.crypto?.subtle) continue;
  place.hidden = false;
  const fault = place.querySelector("[data-sign-fault]");
  place.querySelector("[data-key]").addEventListener("change", async (event) => {
    const file = event.target.files[0];
    if (!file) return;
    fault.hidden = true;
    try {
      const area = document.getElementById("signature");
      area.value = await signature(await file.text(), place.dataset.code);
      area.focus();
    } catch (error) {
      fault.textContent = error instanceof EncryptedKey ? fault.dataset.encrypted : fault.dataset.unusable;
      fault.hidden = false;
    }
    event.target.value = "";
  });
}
