import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { ExitPlan } from "../../gateway/plan/plan";
import { renderFiles } from "../../gateway/render/bundle";
import { renderUserData } from "../../gateway/render/cloudInit";
import { installedFile } from "../../gateway/render/fixed";
import { ruleArguments } from "../../gateway/render/iproute";
import { renderProfile } from "../../gateway/render/profile";
import { anyGateway, contentOf, documented, exitOf, gatewayOf } from "./gateways";

const gateway = documented();
const vpn = exitOf(gateway.plan, "vpn");
const file = (path: string): string => contentOf(gateway, path);
const ofExit = (exit: ExitPlan, name: string): string => file(`/etc/wg-gateway/exits/${exit.name}/${name}`);

describe("iproute2", () => {
  it("has the documented rules, each of our own protocol and with a mask", () => {
    expect(file("/etc/wg-gateway/rules")).toBe(
      [
        "priority 100 from 10.4.0.0/24 to 10.4.0.0/24 lookup main protocol 45",
        "priority 101 from all to 10.4.0.0/24 lookup main protocol 45",
        "priority 102 from all to 10.0.0.0/16 lookup main protocol 45",
        "priority 103 from all to 10.0.1.0/24 lookup main protocol 45",
        "priority 104 from all to 10.0.2.0/24 lookup main protocol 45",
        "priority 300 from 10.4.0.128/25 iif wg0 lookup 250 protocol 45\n",
      ].join("\n"),
    );
    expect(file("/etc/wg-gateway/routes")).toBe("default dev wg0 table 250 protocol 45\n");
    expect(ofExit(vpn, "rules")).toBe(
      "priority 200 from all fwmark 0x200/0xff00 lookup 200 protocol 45\n" +
        "priority 201 from all fwmark 0x100/0xff00 lookup 200 protocol 45\n" +
        "priority 301 from 10.200.1.1 lookup 200 protocol 45\n" +
        "priority 302 from 10.200.1.1 lookup 250 protocol 45\n",
    );
  });

  it("writes each rule as `ip rule show` prints it, so that it finds it again", () => {
    fc.assert(
      fc.property(anyGateway, ({ plan }) => {
        const wanted = plan.ipRules.map(ruleArguments);
        const script = [
          "sed 's/^/rule add /' | ip -batch -",
          "ip rule show | sed 's/ \\[detached\\]//; s/^\\([0-9]*\\):\\s*/priority \\1 /; s/ proto / protocol /'",
        ].join(" && ");
        const input = wanted.map((line) => `${line}\n`).join("");
        const { stdout, stderr } = spawnSync("unshare", ["--net", "sh", "-c", script], { input, encoding: "utf8" });
        expect(stderr).toBe("");
        const shown = stdout.split("\n").filter((line) => line.includes("protocol 45"));
        expect(shown.sort()).toEqual(wanted.sort());
      }),
      { numRuns: 30 },
    );
  });

  it("has an exit's table, unreachable first", () => {
    expect(ofExit(vpn, "routes")).toBe(
      "unreachable default metric 4294967295 table 200 protocol 45\n" +
        "default via 10.200.1.2 dev veth-wg table 200 protocol 45\n",
    );
  });

  it("has an exit's names as assignments that no shell reads otherwise", () => {
    fc.assert(
      fc.property(anyGateway, ({ plan, secrets }) => {
        const variables = renderFiles(plan, secrets).filter(({ path }) => path.endsWith("/variables"));
        expect(variables).toHaveLength(plan.exits.length);
        for (const { content } of variables) expect(content).toMatch(/^([A-Z_]+=[a-zA-Z0-9_./-]+\n)+$/);
      }),
    );
    expect(ofExit(vpn, "variables")).toContain("NAMESPACE=vpn_ns\nHOST_LINK=veth-wg\nNAMESPACE_LINK=veth-vpn\n");
  });
});

describe("WireGuard", () => {
  const peer = (name: string, address: string) => {
    const keys = gateway.secrets.clients.get(name);
    return `[Peer]\nPublicKey = ${keys?.publicKey}\nPresharedKey = ${keys?.presharedKey}\nAllowedIPs = ${address}/32\n`;
  };
  const head = `[Interface]
Address = 10.4.0.1/24
ListenPort = 45822
PrivateKey = ${gateway.secrets.serverPrivateKey}
MTU = 1420
Table = off
PostUp = /usr/local/lib/wg-gateway/wg0-up.sh
PreDown = /usr/local/lib/wg-gateway/wg0-down.sh
`;

  it("has an interface without peers", () => {
    const { plan, secrets } = gatewayOf({});
    expect(renderFiles(plan, secrets)[0]).toEqual({ path: "/etc/wireguard/wg0.conf", mode: "0600", content: head });
  });

  it("has the peers after the interface, each with its one address", () => {
    const peers = [peer("laptop", "10.4.0.50"), peer("phone", "10.4.0.199"), peer("tv", "10.4.0.200")];
    expect(file("/etc/wireguard/wg0.conf")).toBe([head, ...peers].join("\n"));
  });

  it("has no client's private key", () => {
    for (const keys of gateway.secrets.clients.values())
      expect(file("/etc/wireguard/wg0.conf")).not.toContain(keys.privateKey ?? "?");
  });

  it("refuses a client without keys", () => {
    expect(() => renderFiles(gateway.plan, { ...gateway.secrets, clients: new Map() })).toThrow("laptop has no keys");
  });

  it.each([
    ["made here", "phone", "# phone, exit vpn", gateway.secrets.clients.get("phone")?.privateKey],
    ["brought along", "tv", "# tv, exit se-1", "(put this device's own private key here)"],
  ])("has a profile for a client whose key was %s", (_, name, title, privateKey) => {
    const client = gateway.plan.clients.find((other) => other.name === name);
    const keys = gateway.secrets.clients.get(name);
    if (!client || !keys) throw new Error(name);
    const profile = renderProfile({
      plan: gateway.plan,
      client,
      keys,
      serverPublicKey: "SERVER=",
      endpoint: "203.0.113.9:45822",
    });
    expect(profile).toBe(`${title}
[Interface]
PrivateKey = ${privateKey}
Address = ${client.address}/32
DNS = 10.4.0.1
MTU = 1420

[Peer]
PublicKey = SERVER=
PresharedKey = ${keys.presharedKey}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 203.0.113.9:45822
PersistentKeepalive = 25
`);
  });
});

describe("the rest", () => {
  it("names the namespace where only a file can", () => {
    expect(file("/etc/netns/vpn_ns/resolv.conf")).toBe("nameserver 10.200.1.1\n");
    expect(file("/etc/systemd/system/wg-gateway-exit@se-1.service.d/namespace.conf")).toBe(
      "[Service]\nNetworkNamespacePath=/run/netns/vpn_ns_se-1\n",
    );
  });

  it("user data makes the machine prove who it is, take keys alone and keep itself up to date, and nothing else", () => {
    const [first, ...rest] = renderUserData({ privateKey: "PRIVATE\nKEY\n", publicKey: "ssh-ed25519 AAAA host" }).split(
      "\n",
    );
    expect(first).toBe("#cloud-config");
    expect(JSON.parse(rest.join("\n"))).toEqual({
      ssh_deletekeys: true,
      ssh_genkeytypes: [],
      ssh_keys: { ed25519_private: "PRIVATE\nKEY\n", ed25519_public: "ssh-ed25519 AAAA host" },
      ssh_pwauth: false,
      disable_root: true,
      package_update: false,
      package_upgrade: false,
      write_files: [
        {
          path: "/etc/ssh/sshd_config.d/01-wg-gateway.conf",
          content: "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\nX11Forwarding no\n",
          permissions: "0644",
        },
        {
          path: "/etc/apt/apt.conf.d/52-wg-gateway",
          content: [
            'APT::Periodic::Update-Package-Lists "1";',
            'APT::Periodic::Unattended-Upgrade "1";',
            "#clear Unattended-Upgrade::Origins-Pattern;",
            'Unattended-Upgrade::Origins-Pattern { "origin=Debian,codename=${distro_codename}-security,label=Debian-Security"; };',
            "",
          ].join("\n"),
          permissions: "0644",
        },
      ],
    });
  });

  it.each([
    ["scripts/wg0-up.sh", "/usr/local/lib/wg-gateway/wg0-up.sh", "0755"],
    ["units/wg-gateway-exit@.service", "/etc/systemd/system/wg-gateway-exit@.service", "0644"],
    ["gatewayctl/main.py", "/usr/local/lib/wg-gateway/gatewayctl/main.py", "0644"],
    ["gatewayctl.sh", "/usr/local/sbin/gatewayctl", "0755"],
  ])("installs %s", (name, path, mode) => {
    expect(installedFile("gateway", name, "text")).toEqual({ path, mode, content: "text" });
  });

  it.each([
    ["tunnelctl/main.py", "/usr/local/lib/wg-tunnel/main.py", "0644"],
    ["shared/machine.py", "/usr/local/lib/wg-tunnel/machine.py", "0644"],
    ["tunnelctl/wg-tunnel.service", "/etc/systemd/system/wg-tunnel.service", "0644"],
    ["tunnelctl.sh", "/usr/local/sbin/tunnelctl", "0755"],
  ])("installs %s of a tunnel, where nothing of a gateway is", (name, path, mode) => {
    expect(installedFile("tunnel", name, "text")).toEqual({ path, mode, content: "text" });
    expect(installedFile("gateway", name, "text")?.path).not.toBe(path);
  });

  it.each(["receive.sh", "ready.sh", "scripts/README", "gatewayctl/__pycache__/main.pyc", "xscripts/a.sh"])(
    "does not install %s",
    (name) => {
      expect(installedFile("gateway", name, "text") ?? installedFile("tunnel", name, "text")).toBeUndefined();
    },
  );
});
