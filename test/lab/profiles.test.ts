import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onMachine, orNothing, type Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { deployInto, openLab } from "../../lab/scenario";
import { addresses } from "../../lab/topology";
import { optionRules } from "../../gateway/settings/profileOptions";

const PROFILE = "/run/wg-gateway-lab/changed.ovpn";
const quiet = () => undefined;
let scenario: Scenario;
const server = () => scenario.lab.providers.provider;

beforeAll(async () => {
  scenario = await deployInto(await openLab(quiet), quiet);
});
afterAll(() => Lab.clear());

/** The address that the web sees the VPN client at, once it is the provider's, or after a while what it is. */
const seen = (deadline = 45_000): Promise<string> => {
  const look = () => orNothing(scenario.lab.clients.vpn.fetch(`http://${addresses.web}/`, { timeout: 2000 }));
  return until("the VPN client is seen", deadline, async () =>
    (await look()) === addresses.provider ? true : undefined,
  ).then(() => addresses.provider, look);
};

/** Resolves with the status's last error of the exit once it fits. */
const lastError = (expected: RegExp): Promise<string> =>
  until(`the status tells ${String(expected)}`, 60_000, async () => {
    const { exits } = JSON.parse(await onMachine(scenario, "gatewayctl status --json")) as {
      exits: { lastError: string | null }[];
    };
    const text = exits[0]?.lastError;
    return text && expected.test(text) ? text : undefined;
  });

/** The provider's server begins anew with other lines, and the exit with a profile that `change` makes of its own. */
async function begin(lines: readonly string[], change: (profile: string) => string): Promise<void> {
  await server().fail();
  server().configure(lines);
  await server().start();
  writeFileSync(PROFILE, change(server().profile));
  await scenario.deployment.up({ exits: [{ name: "vpn", profile: PROFILE }] });
}

/** As files from before OpenVPN 2.4: one `cipher`, or none. */
const old =
  (...lines: readonly string[]) =>
  (profile: string): string =>
    profile.replace(/^(data-ciphers|cipher) .*\n/gm, "").replace(/^client\n/, ["client", ...lines, ""].join("\n"));

/** With such a cipher packets are authenticated by a digest of their own, which the lab's profiles name. */
const CBC = ["data-ciphers AES-256-CBC", "auth SHA256"];

describe("a server that takes AES-256-CBC alone", () => {
  test("refuses what OpenVPN offers by itself, and the status says why", async () => {
    await begin(CBC, old());
    expect(await lastError(/AUTH_FAILED/)).toContain("no shared cipher");
    expect(await seen(2000)).toBe("no answer");
  });

  test.each([
    ["cipher", ["cipher AES-256-CBC"]],
    ["cipher and ncp-disable", ["cipher AES-256-CBC", "ncp-disable"]],
    ["data-ciphers-fallback", ["data-ciphers-fallback AES-256-CBC"]],
  ])("is reached with a file that has %s", async (_, lines) => {
    await begin(CBC, old(...lines));
    expect(await seen()).toBe(addresses.provider);
    expect(await onMachine(scenario, "tail -n 60 /var/log/openvpn-ns.log")).toContain("cipher 'AES-256-CBC'");
  });
});

test("options that the gateway does not need, and fragments: the tunnel comes up without a contradiction", async () => {
  const lines = ["fragment 1300", "inactive 5", "shaper 100", "mark 7", "multihome", "echo x", "setenv opt fancy 1"];
  await onMachine(scenario, "truncate -s 0 /var/log/openvpn-ns.log");
  await begin(["fragment 1300", "mssfix 1300"], (profile) =>
    profile.replace(/^client\n/, ["client", ...lines, ""].join("\n")),
  );
  expect(await seen()).toBe(addresses.provider);
  expect(await onMachine(scenario, "cat /var/log/openvpn-ns.log")).not.toMatch(
    /if you use --mssfix and --fragment|Options error/,
  );
});

test("a server that gives the tunnel a client's address: the tunnel stays down, and the status says why", async () => {
  const onTunnel = () => onMachine(scenario, "ip -n vpn_ns -4 -o address show dev tun0 2>/dev/null || true");
  await begin(["server 10.4.0.192 255.255.255.192"], (profile) => profile);
  expect(await lastError(/tun-up\.sh/)).toMatch(
    /^\S+ \S+ tun-up\.sh: the provider gave the tunnel the address 10\.4\.0\.\d+, which lies in the gateway's own 10\.4\.0\.0\/24/,
  );
  expect(await seen(2000)).toBe("no answer");
  expect((await onTunnel()).trim()).toBe("");
  await begin([], (profile) => profile);
  expect(await seen()).toBe(addresses.provider);
});

test("a server that does not answer is told in the status", async () => {
  await server().blackhole();
  await onMachine(scenario, "systemctl restart wg-gateway-exit@vpn");
  expect(await lastError(/Server poll timeout/)).toMatch(/^\S+ \S+ Server poll timeout, restarting$/);
  await server().unblackhole();
  expect(await seen()).toBe(addresses.provider);
});

test.each(["machine", "tools"])("every option that OpenVPN of the %s names is in the table", async (place) => {
  const help =
    place === "machine"
      ? await onMachine(scenario, "openvpn --help || true")
      : (await scenario.lab.operator.run(["openvpn", "--help"])).stdout;
  const names = [...help.matchAll(/^--([a-z0-9-]+)/gm)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(200);
  expect(names.filter((name) => !optionRules.has(name))).toEqual([]);
});

describe("a name of the internet with a private address", () => {
  /** One that nobody has asked for yet. */
  let name = "";
  let number = 0;
  const answers = (asked: string, type: "A" | "AAAA" = "A") =>
    Promise.all(
      [scenario.lab.clients.direct, scenario.lab.clients.vpn].map((client) =>
        orNothing(client.dig(asked, { type }).then((lines) => lines.join(" "))),
      ),
    );
  const lead = (address: string) => {
    number += 1;
    name = `router-${number}.example.org`;
    return scenario.lab.dns.lead(name, address);
  };
  const none = /^(|no answer)$/;

  test.each(["10.0.2.20", "127.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.9", "0.0.0.0"])(
    "%s is kept from clients of either exit",
    async (address) => {
      await scenario.deployment.up();
      await lead(address);
      for (const answer of await answers(name)) expect(answer).toMatch(none);
    },
  );

  test.each(["fd00::1", "::1", "fe80::1", "::ffff:10.0.0.1", "::ffff:100.64.0.9"])("%s, too", async (address) => {
    await lead(address);
    for (const answer of await answers(name, "AAAA")) expect(answer).toMatch(none);
  });

  test("a public one is passed on, and so are internal names", async () => {
    await lead("198.18.0.1");
    expect(await answers(name)).toEqual(["198.18.0.1", "198.18.0.1"]);
    expect(await answers("vault.raff.local")).toEqual(["10.4.0.7", "10.4.0.7"]);
  });

  test("is passed on where the settings name it, or all", async () => {
    for (const privateDomains of [["example.org"], ["."]]) {
      await scenario.deployment.up({ dns: { privateDomains } });
      await lead("10.0.2.20");
      expect(await answers(name)).toEqual(["10.0.2.20", "10.0.2.20"]);
    }
  });
});
