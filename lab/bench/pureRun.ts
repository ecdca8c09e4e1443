import { randomBytes } from "node:crypto";

import { listUserdata, readUserdata } from "../../components/projectFiles";
import { wireGuardKeys } from "../../gateway/keys";
import { atAddress, planGateway } from "../../gateway/plan/plan";
import { renderBundle } from "../../gateway/render/bundle";
import { installedFile } from "../../gateway/render/fixed";
import { checkable, manyClients, subnet, wireGuardKey } from "./settings";

/*
 * The program's pure part in a process of its own: pureRun.ts CLIENTS. Prints seconds by phase, and the most memory that the
 * process had, MB. Files and random bytes are at hand before the clock starts.
 */

const count = Number(process.argv[2]);
const clientSettings = manyClients(count, subnet);
const check = checkable({ wireguard: { subnet }, clients: clientSettings });
const bytes = clientSettings.map(({ name }) => [name, randomBytes(64)] as const);
const serverPrivateKey = wireGuardKey();
const fixed = listUserdata().flatMap((name) => installedFile("gateway", name, readUserdata(name)) ?? []);

let before = performance.now();
function since(): number {
  const now = performance.now();
  const seconds = (now - before) / 1000;
  before = now;
  return seconds;
}

const settings = check();
const settingsTime = since();
const plan = atAddress(planGateway(settings), "198.51.100.10");
const planTime = since();
const clients = new Map(
  bytes.map(([name, seed]) => [
    name,
    { ...wireGuardKeys(seed.subarray(0, 32)), presharedKey: seed.subarray(32).toString("base64") },
  ]),
);
const keysTime = since();
const bundle = renderBundle({
  plan,
  secrets: { serverPrivateKey, clients, credentials: new Map() },
  target: { machine: "machine", owner: "o/p/s/gateway" },
  fixed,
});
const renderTime = since();
if (!bundle.includes(clients.get(`client-${count}`)!.publicKey)) throw new Error("the bundle lacks the last client");
console.log(
  JSON.stringify({
    settings: settingsTime,
    plan: planTime,
    keys: keysTime,
    render: renderTime,
    all: settingsTime + planTime + keysTime + renderTime,
    memory: process.resourceUsage().maxRSS / 1000,
  }),
);
