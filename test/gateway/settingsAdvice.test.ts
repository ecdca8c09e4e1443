import { describe, expect, it } from "vitest";
import {
  withClient,
  withEc2,
  withExisting,
  withExit,
  withHost,
  withLocal,
  withRule,
  withWireguard,
} from "./faultTable";
import { ec2, existing, faultsOf, hostKey, type Raw } from "./settingsFixtures";

/** What the one error of these settings says of the value, and how to fix it. */
function told(raw: Raw, credentials?: unknown): string[] {
  const { faults, message } = faultsOf(raw, credentials);
  expect(faults).toHaveLength(1);
  const [, shown = "", fix = ""] = /^ {2}wg-gateway:\S+ (.*)\n.*\n {4}mend: +(.*)$/m.exec(message) ?? [];
  return [shown, fix];
}

const during = { from: "09:00", to: "17:00", timeZone: "UTC" };
const withHours = (part: Raw) => withRule({ during: { ...during, ...part } });
const withPorts = (...ports: unknown[]) => withRule({ protocol: "tcp", ports });

describe("a value of another type than its setting's", () => {
  it.each<[string, Raw, string, string]>([
    ["a number in quotes", withWireguard({ port: "45822" }), 'is "45822"', "write it without quotes: 45822"],
    ["a port in quotes", withPorts("443"), 'is "443"', "write it without quotes: 443"],
    ["a truth in quotes", withWireguard({ isolation: "true" }), 'is "true"', "write it without quotes: true"],
    ["a truth in YAML's other words", withEc2({ firewall: "no" }), 'is "no"', "write it without quotes: false"],
    ["a number for a text", withExit({ profile: 7 }), "is 7", 'write it in quotes: "7"'],
    ["a time without quotes", withHours({ from: 540 }), "is 540", 'write it in quotes: "09:00"'],
    ["the day's end without quotes", withHours({ to: 1440 }), "is 1440", 'write it in quotes: "24:00"'],
    [
      "a word that YAML reads as a truth",
      withRule({ exit: false }),
      "is false",
      "write it in quotes: without them YAML reads yes, no, on and off as true or false",
    ],
    ["nothing after the colon", withWireguard({ port: null }), "has no value", "give it a value, or take the line out"],
    ["a list for a text", withExit({ profile: ["a.ovpn"] }), "is a list", 'write it alone, not as a list: "a.ovpn"'],
    [
      "a text for a list",
      withEc2({ sshFrom: "192.0.2.1/32" }),
      'is "192.0.2.1/32"',
      'write it as a list: ["192.0.2.1/32"]; Pulumi.yaml describes it',
    ],
    [
      "several in one text",
      withLocal("10.0.0.0/16, 10.7.0.0/16"),
      'is "10.0.0.0/16, 10.7.0.0/16"',
      'write it as a list: ["10.0.0.0/16", "10.7.0.0/16"]; Pulumi.yaml describes it',
    ],
    [
      "a port for a list of ports",
      withRule({ protocol: "tcp", ports: 80 }),
      "is 80",
      "write it as a list: [80]; Pulumi.yaml describes it",
    ],
    [
      "nothing for a list",
      { host: ec2, clients: null },
      "has no value",
      "give it a value, or take the line out; Pulumi.yaml describes it",
    ],
  ])("%s", (_, raw, shown, fix) => {
    expect(told(raw)).toEqual([shown, fix]);
  });

  it("is not shown where it is a secret", () => {
    const credentials = { vpn: { username: "customer", password: 80812345 } };
    const [shown, fix] = told(withExit({ profile: "asks.ovpn" }), credentials);
    expect([shown, fix]).toEqual(["is not valid (its value is not shown)", "write it in quotes"]);
  });
});

describe("a value that is nearly right", () => {
  it.each<[string, Raw, string]>([
    ["an enum in other letters", withExit({ kind: "OpenVPN" }), 'write it in lower case: "openvpn"'],
    ["a mistyped enum", withExit({ kind: "wiregaurd" }), 'did you mean "wireguard"?'],
    ["a tunnel in other letters", withClient({ tunnel: "Internal" }), 'write it in lower case: "internal"'],
    ["a mistyped tunnel", withClient({ tunnel: "internl" }), 'did you mean "internal"?'],
    ["a protocol in capitals", withRule({ protocol: "UDP" }), 'write it in lower case: "udp"'],
    ["a day in full", withHours({ days: ["Monday"] }), 'did you mean "mon"?'],
    ["a kind of host in capitals", withHost({ ...ec2, kind: "EC2" }), 'did you mean "ec2"?'],
    ["a mistyped kind of host", withHost({ ...existing, kind: "exisitng" }), 'did you mean "existing"?'],
    ["a name in capitals", withClient({ name: "Phone" }), 'write it in lower case: "phone"'],
    [
      "a network with host bits",
      withEc2({ sshFrom: ["10.4.0.210/28"] }),
      'write the network, "10.4.0.208/28", or the address alone, "10.4.0.210/32"',
    ],
    [
      "a subnet with host bits",
      withWireguard({ subnet: "10.4.0.210/28" }),
      `write the network's first address: "10.4.0.208/28"`,
    ],
    ["an address for a network", withEc2({ sshFrom: ["192.0.2.9"] }), 'for a single address write: "192.0.2.9/32"'],
    [
      "a network for an address",
      withClient({ address: "10.4.0.9/24" }),
      'write the address without a prefix length: "10.4.0.9"',
    ],
    ["leading zeros", withClient({ address: "10.4.0.009" }), 'write it without leading zeros: "10.4.0.9"'],
    ["a range backwards", withRule({ from: "10.4.0.9-10.4.0.3" }), 'write the lower end first: "10.4.0.3-10.4.0.9"'],
    ["a range with spaces", withPorts("80 - 90"), 'write it without spaces: "80-90"'],
    ["ports backwards", withPorts("90-80"), 'write the lower end first: "80-90"'],
    ["an hour of one digit", withHours({ from: "9:00" }), 'write two digits for the hour: "09:00"'],
    [
      "an endpoint with a port",
      withWireguard({ endpoint: "gw.example:45822" }),
      'write it without the port: "gw.example"',
    ],
    [
      "a host key with a line's end",
      withExisting({ hostKey: `${hostKey}\n` }),
      "write it on one line, without spaces around it",
    ],
    ["IPv6 for a rule", withRule({ from: "fd00::/64" }), "IPv6 is not supported here: write an IPv4 one"],
    ["IPv6 for SSH", withEc2({ sshFrom: ["2001:db8::1/128"] }), "IPv6 is not supported here: write an IPv4 one"],
    ["IPv6 for a client", withClient({ address: "fd00::5" }), "IPv6 is not supported here: write an IPv4 one"],
  ])("%s", (_, raw, fix) => {
    expect(told(raw)[1]).toBe(fix);
  });

  it("keeps its own advice where nothing near it would be taken", () => {
    expect(told(withWireguard({ port: "70000" }))[1]).toBe("choose a port in that range");
    expect(told(withExit({ kind: "ipsec" }))[1]).toContain("failover is a group");
  });
});

describe("an unknown setting", () => {
  it.each<[string, Raw, string]>([
    ["at the top", { host: ec2, client: [] }, "did you mean clients?"],
    ["in a list", withClient({ adress: "10.4.0.5" }), "did you mean clients[0].address?"],
    ["three deep", withHours({ timezone: "UTC" }), "did you mean rules[0].during.timeZone?"],
    ["of another place", { host: ec2, sshFrom: [] }, "take it out, or did you mean host.sshFrom?"],
    ["of another kind of host", withEc2({ privateKeyFile: "id" }), "take it out: only kind: existing has it"],
    ["like no other", { host: ec2, colour: "blue" }, "take it out"],
  ])("%s", (_, raw, fix) => {
    const { faults } = faultsOf(raw);
    expect(faults.some(({ mend }) => mend === fix)).toBe(true);
    expect(faultsOf(raw).message).toMatch(/ is an unknown setting\n {4}allowed: one of the keys /);
  });
});
