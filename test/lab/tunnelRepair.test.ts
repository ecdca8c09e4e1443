import { afterAll, beforeAll, expect, test } from "vitest";
import { Lab } from "../../lab/lab";
import { addresses } from "../../lab/topology";
import type { Drift } from "./drifts";
import { checkWhileLocked } from "./locked";
import { Scene, shell } from "./tunnels";

const SOUND = "the machine is as its release says\n";
const { endpointB } = addresses;

/** Those that leave each other alone: made all at once. */
const together: readonly Drift[] = [
  ["systemctl disable -q wg-quick@wg0", "unit wg-quick@wg0.service is not enabled: it does not start at boot"],
  ["systemctl stop wg-tunnel", "unit wg-tunnel.service is not active (inactive)"],
  ["chmod 0644 /etc/wireguard/wg0.conf", "file /etc/wireguard/wg0.conf has the mode 0644, not 0600"],
  ["touch /etc/wg-tunnel/more.json", "file /etc/wg-tunnel/more.json is surplus"],
  [
    "nft add rule inet wg_tunnel filter_forward accept",
    "nft table inet wg_tunnel is not as released: chain filter_forward: 1 surplus",
  ],
  [
    "ip rule del priority 455 fwmark 0xfe00/0xff00",
    "ip rule is missing: priority 455 from all fwmark 0xfe00/0xff00 lookup main protocol 45",
  ],
  ["ip link set wg0 mtu 1400", "wg0 has the MTU 1400, not 1420"],
  [
    // With its last address an interface loses its routes.
    "ip address del 10.0.0.1/30 dev wg0; ip address add 10.9.9.1/24 dev wg0",
    "route is missing: 10.0.0.2 dev wg0 table 123",
    `route is missing: ${endpointB} dev wg0 table 123`,
    "wg0 lacks its address 10.0.0.1/30",
    "wg0 has the surplus address 10.9.9.1/24",
  ],
  [
    "wg set wg0 listen-port 51999 private-key <(wg genkey) fwmark 0",
    "wg0 listens on another port than released",
    "wg0 has another key than released",
    "wg0 marks its packets otherwise than released",
  ],
  [
    "wg set wg0 peer $(wg show wg0 peers) preshared-key <(wg genpsk) persistent-keepalive 25 allowed-ips 10.0.0.2/32",
    `wg0's peer b has the addresses 10.0.0.2/32, not 10.0.0.2/32, ${endpointB}/32`,
    "wg0's peer b has another preshared key than released",
    "wg0's peer b has another keepalive than released",
  ],
  ["wg set wg0 peer $(wg genkey | wg pubkey) allowed-ips 10.0.0.77/32", /^wg0 has the surplus peer \S{44}$/],
];
/** Those that take others with them, one after another. */
const alone: readonly Drift[] = [
  ["systemctl stop wg-tunnel; ip link set wg0 down", "unit wg-tunnel.service is not active (inactive)", "wg0 is down"],
  ["systemctl mask -q wg-quick@wg0", "unit wg-quick@wg0.service is masked"],
  ["wg set wg0 peer $(wg show wg0 peers) remove", /^wg0 lacks the peer b \(\S{44}\)$/],
];

let scene: Scene;
const check = async () => (await scene.ends.a.exec(["tunnelctl", "check"])).stdout;
const fits = (line: string, said: string | RegExp) => (typeof said === "string" ? line === said : said.test(line));

beforeAll(async () => {
  scene = await Scene.open();
  await scene.up();
  await scene.joined();
});
afterAll(() => Lab.clear());

test.each([["all that leave each other alone", together], ...alone.map((one) => [one[0], [one]] as const)] as [
  string,
  readonly Drift[],
][])("%s: seen, each and nothing else, and mended", async (_, drifts) => {
  const { a } = scene.ends;
  expect(await check()).toBe(SOUND);
  for (const [make] of drifts) await shell(a, make);
  const expected = drifts.flatMap(([, ...said]) => said);
  const lines = (await check()).trim().split("\n");
  expect(expected.filter((said) => !lines.some((line) => fits(line, said)))).toEqual([]);
  expect(lines.filter((line) => !expected.some((said) => fits(line, said)))).toEqual([]);
  expect(await shell(a, "tunnelctl check --repair")).toContain(SOUND);
  expect(await check()).toBe(SOUND);
  await scene.joined();
  expect((await scene.watch()).from).toBe("10.0.0.1");
});

test("a disabled unit that was mended is there after a reboot", async () => {
  const { a } = scene.ends;
  await shell(a, "systemctl disable -q wg-quick@wg0; tunnelctl check --repair");
  await a.reboot();
  await scene.joined();
  expect(await check()).toBe(SOUND);
});

test("an endpoint's key rotates: another one on both ends, other shared ones, and the tunnel is joined again", async () => {
  const { a, b } = scene.ends;
  const keys = () =>
    Promise.all([
      shell(a, "wg show wg0 public-key"),
      shell(b, "wg show wg0 peers"),
      shell(b, "wg show wg0 public-key"),
      shell(a, "wg show wg0 preshared-keys | cut -f 2"),
      shell(b, "wg show wg0 preshared-keys | cut -f 2"),
    ]);
  const before = await keys();
  const { outputs } = await scene.up({ a: { keyVersion: 2 } });
  await scene.joined();
  const [ofA, atB, ofB, sharedA, sharedB] = await keys();
  expect(ofA).not.toBe(before[0]);
  expect(atB).toBe(ofA);
  expect(ofA.trim()).toBe(outputs.tunnels?.["app"]?.["a"]?.publicKey);
  expect(ofB).toBe(before[2]);
  expect(sharedA).toBe(sharedB);
  expect(sharedA).not.toBe(before[3]);
  expect((await scene.watch()).from).toBe("10.0.0.1");
});

test("a check that waits for another one says so on standard error: standard output has the answer alone", async () => {
  expect(await shell(scene.ends.a, checkWhileLocked("tunnelctl", "wg-tunnel"))).toBe(SOUND);
});
