import fc from "fast-check";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { describeChoices } from "../../gateway/plan/choices";
import { renderBundle, renderFiles } from "../../gateway/render/bundle";
import type { MachineFile } from "../../gateway/render/file";
import { installedFile } from "../../gateway/render/fixed";
import {
  anyGateway,
  documented,
  gatewayOf,
  PASSWORD,
  PROVIDER_KEY,
  PROVIDER_WIREGUARD_KEY,
  type Gateway,
} from "./gateways";

const userdata = join(__dirname, "../../userdata");
const fixed = readdirSync(userdata, { recursive: true, encoding: "utf8" })
  .filter((name) => statSync(join(userdata, name)).isFile())
  .flatMap((name) => installedFile("gateway", name, readFileSync(join(userdata, name), "utf8")) ?? []);

/** The paths that the machine lets a bundle write: the pieces of the pattern in place.py, joined as Python joins them. */
function allowedPaths(): RegExp {
  const source = readFileSync(join(userdata, "gatewayctl/place.py"), "utf8");
  const pattern = /^ALLOWED = re\.compile\(\n([\s\S]*?)^\)/m.exec(source)?.[1] ?? "";
  const pieces = [...pattern.matchAll(/^ +r"(.*)"$/gm)].map(([, piece]) => piece);
  if (pieces.length === 0) throw new Error("no pattern in place.py");
  return new RegExp(`^(?:${pieces.join("")})$`);
}

interface Bundle {
  readonly format: number;
  readonly machine: string;
  readonly digest: string;
  readonly files: readonly MachineFile[];
}

const bundleText = ({ plan, secrets }: Gateway): string =>
  renderBundle({ plan, secrets, target: { machine: "i-1", owner: "o/p/s/gateway" }, fixed });
const bundleOf = (gateway: Gateway): Bundle => JSON.parse(bundleText(gateway)) as Bundle;

/** Everything that must not be read by anybody but root. */
const secretsOf = ({ secrets }: Gateway): string[] => [
  PROVIDER_KEY,
  PROVIDER_WIREGUARD_KEY,
  PASSWORD,
  secrets.serverPrivateKey,
  ...[...secrets.clients.values()].flatMap(({ privateKey, presharedKey }) => [privateKey ?? [], presharedKey].flat()),
  ...[...secrets.credentials.values()].flatMap(({ username, password }) => [username, password]),
];

describe("the bundle", () => {
  it("holds every file once, sorted, where the machine lets it be written", () => {
    const allowed = allowedPaths();
    fc.assert(
      fc.property(anyGateway, (gateway) => {
        const paths = bundleOf(gateway).files.map(({ path }) => path);
        expect(paths.length).toBe(fixed.length + renderFiles(gateway.plan, gateway.secrets).length);
        expect(new Set(paths).size).toBe(paths.length);
        expect(paths).toEqual([...paths].sort());
        expect(paths.filter((path) => !allowed.test(path) || normalize(path) !== path)).toEqual([]);
      }),
    );
    expect(allowed.test("/etc/passwd")).toBe(false);
    expect(fixed.length).toBeGreaterThan(15);
  });

  it("has the digest that the machine computes", () => {
    fc.assert(
      fc.property(anyGateway, (gateway) => {
        const { files, digest } = bundleOf(gateway);
        const text = files.map(({ path, mode, content }) => `${path}\0${mode}\0${content}\0`).join("");
        expect(digest).toBe(createHash("sha256").update(text, "utf8").digest("hex"));
      }),
    );
  });

  it("is one line of JSON that names its format and its machine", () => {
    const text = bundleText(documented());
    expect(text.indexOf("\n")).toBe(text.length - 1);
    expect(bundleOf(documented())).toMatchObject({ format: 1, machine: "i-1" });
  });

  it("is the same for the same gateway, and another for another machine", () => {
    const { plan, secrets } = documented();
    expect(bundleText(documented())).toBe(bundleText(documented()));
    expect(renderBundle({ plan, secrets, target: { machine: "i-2", owner: "o/p/s/gateway" }, fixed })).not.toBe(
      bundleText(documented()),
    );
  });
});

describe("the clients", () => {
  it("stand there each with an address, a name and ways, as gatewayctl takes them apart", () => {
    fc.assert(
      fc.property(anyGateway, (gateway) => {
        const file = bundleOf(gateway).files.find(({ path }) => path === "/etc/wg-gateway/clients");
        const lines = (file?.content ?? "?").split("\n");
        expect(lines.pop()).toBe("");
        expect(lines.map((line) => line.split(/\s+/))).toEqual(
          gateway.plan.clients.map(({ address, name, choices }) => [address, name, describeChoices(choices)]),
        );
      }),
    );
  });

  it("of a way by port and by time", () => {
    const { files } = bundleOf(
      gatewayOf({
        exits: [{ name: "vpn", profile: "plain.ovpn" }],
        rules: [
          { from: "10.4.0.50", protocol: "tcp", ports: [80, "8000-8100"], exit: "vpn" },
          { during: { from: "22:00", to: "06:00", timeZone: "UTC" }, exit: "block" },
        ],
        clients: [
          { name: "laptop", address: "10.4.0.50" },
          { name: "tv", address: "10.4.0.51" },
        ],
      }),
    );
    const clients = files.find(({ path }) => path === "/etc/wg-gateway/clients")?.content;
    expect(clients?.replaceAll(/window-[0-9a-f]{8}/g, "window-X")).toBe(
      "10.4.0.50 laptop tcp:80,8000-8100=vpn;window-X=block;direct\n10.4.0.51 tv window-X=block;direct\n",
    );
  });
});

describe("secrets", () => {
  it("stand in files of mode 0600 alone, and in no path", () => {
    fc.assert(
      fc.property(anyGateway, (gateway) => {
        const { files } = bundleOf(gateway);
        const secrets = secretsOf(gateway);
        const open = files.filter(({ mode }) => mode !== "0600").map(({ content }) => content);
        const seen = [...open, ...files.map(({ path }) => path)].join("\n");
        expect(secrets.filter((secret) => seen.includes(secret))).toEqual([]);
      }),
    );
  });

  it("that the machine needs do stand there", () => {
    const gateway = documented();
    const kept = bundleOf(gateway).files.filter(({ mode }) => mode === "0600");
    expect(kept.map(({ path }) => path)).toEqual([
      "/etc/wg-gateway/exits/se-1/openvpn.conf",
      "/etc/wg-gateway/exits/vpn/credentials",
      "/etc/wg-gateway/exits/vpn/openvpn.conf",
      "/etc/wireguard/wg0.conf",
    ]);
    const text = kept.map(({ content }) => content).join("\n");
    const own = [...gateway.secrets.clients.values()].map(({ privateKey }) => privateKey);
    for (const secret of secretsOf(gateway))
      expect(text.includes(secret)).toBe(![...own, PROVIDER_WIREGUARD_KEY].includes(secret));
  });

  it("leave everything else open or to be run", () => {
    const modes = new Map(bundleOf(documented()).files.map(({ path, mode }) => [path, mode]));
    expect(modes.get("/etc/wg-gateway/host.nft")).toBe("0644");
    expect(modes.get("/usr/local/sbin/gatewayctl")).toBe("0755");
    for (const [path, mode] of modes) if (path.endsWith(".sh")) expect(mode).toBe("0755");
  });
});
