// Does with @c8y/client what one word asks for, and prints what came of it as one line of JSON.
import fs from "node:fs";
import * as c8y from "@c8y/client";

const [url, tenant, user, password, task, ...more] = process.argv.slice(2);
const client = new c8y.Client(new c8y.BasicAuth({ tenant, user, password }), url);
client.core.tenant = tenant;
const certificates = new c8y.TrustedCertificateService(client.core);

const tasks = {
  async login() {
    const signedIn = await c8y.Client.authenticate({ tenant, user, password }, url);
    const { data } = await signedIn.user.currentWithEffectiveRoles();
    return { tenant: signedIn.core.tenant, user: data.userName, roles: data.effectiveRoles.length };
  },
  async options() {
    const option = { category: "js.plant", key: "hall", value: "3" };
    await client.options.tenant.create(option);
    await client.options.tenant.update({ ...option, value: "4" });
    const { data } = await client.options.tenant.detail(option);
    await client.options.tenant.delete(option);
    const shared = await client.options.system.detail({ category: "ssl", key: "shared-truststore.enabled" });
    return { value: data.value, shared: shared.data.value.toLowerCase() };
  },
  async upload(file) {
    const certInPemFormat = fs.readFileSync(file, "utf8");
    const { data } = await certificates.create({ name: "from JavaScript", status: "DISABLED", certInPemFormat });
    await certificates.update({ fingerprint: data.fingerprint, status: "ENABLED" });
    const again = await certificates.regeneratePoPVerificationCode(data.fingerprint);
    return again.data;
  },
  async prove(fingerprint, signature) {
    const { data } = await certificates.verifySignedVerificationCode(fingerprint, signature);
    const listed = await certificates.list({ pageSize: 1000, withTotalPages: true });
    await certificates.delete(fingerprint);
    return { proven: data.proofOfPossessionValid, listed: listed.data.map((one) => one.fingerprint) };
  },
  async inventory() {
    const { data: made } = await client.inventory.create({ name: "pump", type: "js", c8y_IsDevice: {} });
    await client.inventory.update({ id: made.id, name: "pump 7" });
    const id = { type: "c8y_Serial", externalId: "js-pump", managedObject: { id: made.id } };
    await client.identity.create(id);
    const found = await client.identity.detail(id);
    const { data: changed } = await client.inventory.detail(found.data.managedObject.id);
    const { paging } = await client.inventory.list({ type: "js", pageSize: 1, withTotalPages: true });
    await client.inventory.delete(made.id);
    return { name: changed.name, pages: paging.totalPages };
  },
  async users() {
    await client.user.create({ userName: "jane", password: "a long password" });
    const { data: jane } = await client.user.detail("jane");
    await client.userGroup.addUserToGroup("readers", jane.self);
    await client.user.update({ id: "jane", enabled: false });
    const { data: changed } = await client.user.detail("jane");
    await client.userGroup.removeUserFromGroup("readers", "jane");
    await client.user.delete("jane");
    const { data: left } = await client.user.list({ pageSize: 100 });
    const groups = changed.groups.references.map((one) => one.group.name);
    return { enabled: changed.enabled, groups, left: left.map((one) => one.userName) };
  },
  async registration() {
    const { data: made } = await client.deviceRegistration.create({ id: "js-expected" });
    const { data: listed } = await client.deviceRegistration.list();
    const tooEarly = await client.deviceRegistration.accept("js-expected").catch((error) => error.res.status);
    await client.deviceRegistration.delete("js-expected");
    return { status: made.status, listed: listed.map((one) => one.id), tooEarly };
  },
  async bulk(file) {
    const { data } = await client.deviceRegistrationBulk.create(fs.createReadStream(file));
    return data;
  },
  async refused() {
    return client.tenant.current().catch(({ res, data }) => ({ status: res.status, message: data.message }));
  },
};

console.log(JSON.stringify(await tasks[task](...more)));
process.exit(0); // the client keeps a connection for notifications open
