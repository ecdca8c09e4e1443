import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { planGateway } from "../../gateway/plan/plan";
import { renderFiles } from "../../gateway/render/bundle";
import { renderDirectResolver, renderLocalResolver, renderResolver } from "../../gateway/render/dnsmasq";
import { renderOpenVpn } from "../../gateway/render/openvpn";
import { anyGateway, contentOf, documented, PASSWORD, PROVIDER_KEY } from "./gateways";
import { readConfig } from "./openvpnReader";
import { ec2, parse } from "./settingsFixtures";

const gateway = documented();
const file = (path: string): string => contentOf(gateway, path);
const ofExit = (exit: string, name: string): string => file(`/etc/wg-gateway/exits/${exit}/${name}`);

describe("dnsmasq", () => {
  it("takes every resolver's configuration", () => {
    fc.assert(
      fc.property(anyGateway, ({ plan }) => {
        const configs = [
          renderResolver(plan, ["127.0.0.1"]),
          renderDirectResolver(plan),
          renderLocalResolver(plan),
          ...plan.exits.map(({ hostAddress }) => renderResolver(plan, [hostAddress], hostAddress)),
        ];
        for (const input of configs) {
          const { status, stderr, error } = spawnSync("dnsmasq", ["--test", "--conf-file=-"], {
            input,
            encoding: "utf8",
          });
          expect({ status, stderr, error }).toMatchObject({ status: 0, error: undefined });
        }
      }),
      { numRuns: 15 },
    );
  });

  it("asks out of the host for the host and the direct clients, and out of the exit for an exit", () => {
    for (const [name, address, port] of [
      ["host", "127.0.0.1", 53],
      ["direct", "10.4.0.1", 5353],
    ] as const) {
      const lines = file(`/etc/wg-gateway/resolvers/${name}.conf`).split("\n");
      expect(lines.filter((line) => /^(port|listen-address)=/.test(line))).toEqual([
        `port=${port}`,
        `listen-address=${address}`,
      ]);
      expect(lines.filter((line) => line.startsWith("server="))).toEqual(
        ["1.1.1.2", "1.0.0.2", "8.8.8.8", "8.8.4.4"].map((server) => `server=${server}`),
      );
    }
    const exit = file("/etc/wg-gateway/resolvers/vpn.conf").split("\n");
    expect(exit.filter((line) => line.startsWith("listen-address="))).toEqual(["listen-address=10.200.1.1"]);
    expect(exit.filter((line) => line.startsWith("server="))).toHaveLength(4);
    expect(exit.filter((line) => line.startsWith("server=") && !line.endsWith("@10.200.1.1"))).toEqual([]);
  });

  it("asks nobody where a client finds it without our rules", () => {
    const lines = file("/etc/wg-gateway/resolvers/local.conf").split("\n");
    expect(lines).toEqual(expect.arrayContaining(["port=53", "listen-address=10.4.0.1"]));
    expect(lines.filter((line) => /^(server|resolv-file|strict-order)/.test(line))).toEqual([]);
    expect(lines).toContain("no-resolv");
  });

  it("keeps private addresses of the internet's names from clients, but for the names that may have them", () => {
    const rebinding = (privateDomains: string[]) =>
      renderResolver(planGateway(parse({ host: ec2, dns: { privateDomains } }).settings), ["127.0.0.1"])
        .split("\n")
        .filter((line) => /rebind|bogus-nx/.test(line));
    const all = ["stop-dns-rebind", "bogus-nxdomain=100.64.0.0/10", "bogus-nxdomain=::ffff:100.64.0.0/106"];
    expect(rebinding([])).toEqual(all);
    expect(rebinding(["lan", "plex.direct"])).toEqual([
      ...all,
      "rebind-domain-ok=/lan/",
      "rebind-domain-ok=/plex.direct/",
    ]);
    expect(rebinding(["lan", "."])).toEqual([]);
  });

  it("answers local names itself, of every type", () => {
    for (const resolver of ["host", "direct", "local", "vpn", "se-1"])
      expect(file(`/etc/wg-gateway/resolvers/${resolver}.conf`)).toContain(
        "host-record=vault.raff.local,10.4.0.7\nhost-record=rafflab.internal,10.4.0.3\nlocal=/vault.raff.local/\nlocal=/rafflab.internal/\n",
      );
  });
});

describe("OpenVPN", () => {
  it("runs no script but ours, sets no route, and keeps trying", () => {
    const options = readConfig(ofExit("vpn", "openvpn.conf"));
    const of = (name: string) =>
      options.filter((option) => option.name === name).map(({ parameters }) => parameters.join(" "));
    expect(of("up")).toEqual(["/usr/local/lib/wg-gateway/tun-up.sh vpn"]);
    expect(of("route-noexec")).toEqual([""]);
    expect(of("auth-retry")).toEqual(["nointeract"]);
    expect(of("connect-retry")).toEqual(["1 10"]);
    expect(of("mssfix")).toEqual(["1450"]);
    expect(of("pull-filter")).toEqual(
      expect.arrayContaining(
        ["redirect-gateway", "dhcp-option", "ifconfig-ipv6", "route-ipv6", "ping-restart"].map(
          (name) => `ignore ${name}`,
        ),
      ),
    );
    expect(of("pull-filter")).not.toContain("ignore route");
    expect(of("log-append")).toEqual(["/var/log/openvpn-ns.log"]);
    expect(of("remote")).toEqual([]);
    expect(of("key")).toEqual([`-----BEGIN PRIVATE KEY-----\n${PROVIDER_KEY}\n-----END PRIVATE KEY-----\n`]);
    expect(of("auth-user-pass")).toEqual(["/etc/wg-gateway/exits/vpn/credentials"]);
  });

  it.each([
    { protocols: ["udp"], lines: [], rcvbuf: ["524288"] },
    { protocols: ["udp", "udp"], lines: ["rcvbuf 100000"], rcvbuf: ["524288", "100000"] }, // the last one holds
    { protocols: ["udp", "tcp"], lines: [], rcvbuf: [] },
    { protocols: ["tcp"], lines: ["rcvbuf 100000"], rcvbuf: ["100000"] },
  ] as const)("has a larger buffer where all is UDP, unless the profile has another: $protocols, $lines", (given) => {
    const remotes = given.protocols.map((protocol) => ({ host: "203.0.113.20", port: 1194, protocol }));
    const provider = { kind: "openvpn", remotes, wantsCredentials: false, mssfix: "1450", lines: given.lines } as const;
    const options = readConfig(renderOpenVpn(gateway.plan.exits[0]!, provider));
    expect(options.filter(({ name }) => name === "rcvbuf").flatMap(({ parameters }) => parameters)).toEqual(
      given.rcvbuf,
    );
  });

  it("finds the credentials a line each, only where the profile asks for them", () => {
    expect(ofExit("vpn", "credentials")).toBe(`user-of-vpn\n${PASSWORD}-of-vpn\n`);
    expect(renderFiles(gateway.plan, gateway.secrets).map(({ path }) => path)).not.toContain(
      "/etc/wg-gateway/exits/se-1/credentials",
    );
    expect(ofExit("se-1", "openvpn.conf")).not.toContain("auth-user-pass");
  });

  it("has its remotes looked up by the host", () => {
    expect(ofExit("se-1", "remotes")).toBe("203.0.113.40 443 tcp\nb.example 53 udp\n");
  });
});
