import { describe } from "vitest";
import { fault, holds, withDns, withLocal, withWireguard } from "./faultTable";
import { ec2, vpn } from "./settingsFixtures";

describe("wireguard", () => {
  holds({
    "port 0": fault(withWireguard({ port: 0 }), "wireguard.port", "1..65535", "port"),
    "port 65536": fault(withWireguard({ port: 65536 }), "wireguard.port", "1..65535", "port"),
    "port in a text": fault(
      withWireguard({ port: "45822" }),
      "wireguard.port",
      "whole number",
      "without quotes: 45822",
    ),
    "mtu 1279": fault(withWireguard({ mtu: 1279 }), "wireguard.mtu", "1280..1420", "1420"),
    "mtu 1421": fault(withWireguard({ mtu: 1421 }), "wireguard.mtu", "1280..1420", "1420"),
    "subnet with host bits": fault(
      withWireguard({ subnet: "10.4.0.1/24" }),
      "wireguard.subnet",
      "host bits",
      '"10.4.0.0/24"',
    ),
    "subnet without a length": fault(withWireguard({ subnet: "10.4.0.0" }), "wireguard.subnet", "CIDR", "room"),
    "subnet too large": fault(withWireguard({ subnet: "10.0.0.0/15" }), "wireguard.subnet", "/16../29", "65,536"),
    "subnet too small": fault(withWireguard({ subnet: "10.4.0.0/30" }), "wireguard.subnet", "/16../29", "65,536"),
    "subnet of one address": fault(withWireguard({ subnet: "10.4.0.0/32" }), "wireguard.subnet", "/16../29", "65,536"),
    "subnet over an exit's network": fault(
      { host: ec2, wireguard: { subnet: "10.200.7.0/25" }, exits: [{ ...vpn, slot: 7 }] },
      "wireguard.subnet",
      'the network 10.200.7.0/24 of exit "vpn"',
      "another slot",
    ),
    "a key nobody knows": fault(
      withWireguard({ MTU: 1400 }),
      "wireguard.MTU",
      "subnet, port, endpoint, mtu",
      "wireguard.mtu?",
    ),
    "a text": fault(withWireguard("wg0"), "wireguard", "map", "Pulumi.yaml"),
  });
});

describe("local networks", () => {
  const many = Array.from({ length: 99 }, (_, index) => `172.16.${index}.0/24`);
  holds({
    "over the clients' network": fault(withLocal(["10.4.0.0/16"]), "localNetworks[0]", "clients' network", "beside"),
    "inside the clients' network": fault(withLocal(["10.4.0.64/32"]), "localNetworks[0]", "10.4.0.0/24", "beside"),
    "over an exit's": fault(
      withLocal(["10.200.1.0/28"], { exits: [vpn] }),
      "localNetworks[0]",
      "10.200.1.0/24",
      "beside",
    ),
    "with host bits": fault(
      withLocal(["10.0.0.0/16", "10.0.1.1/24"]),
      "localNetworks[1]",
      "host bits",
      '"10.0.1.0/24", or the address alone, "10.0.1.1/32"',
    ),
    "of half the internet": fault(withLocal(["128.0.0.0/1"]), "localNetworks[0]", "/8 or smaller", "tunnel"),
    "named twice": fault(withLocal(["10.0.0.0/16", "10.0.0.0/16"]), "localNetworks[1]", "once", "out"),
    "too many": fault(withLocal(many), "localNetworks", "at most 98", "join"),
    "in a text": fault(withLocal("10.0.0.0/16"), "localNetworks", "list", "Pulumi.yaml"),
  });
});

describe("dns", () => {
  const record = (name: string, address: unknown = "10.4.0.7") => withDns({ records: { [name]: address } });
  holds({
    "an upstream in a local network, where an exit has to ask it": fault(
      { ...withDns({ upstreams: ["1.1.1.2", "10.0.0.2"] }), exits: [vpn] },
      "dns.upstreams[1]",
      "10.0.0.0/16",
      "public resolvers",
    ),
    "a record's address": fault(record("vault.raff.local", "10.4.0"), "dns.records.vault.raff.local", "IPv4", "dots"),
    "a record's name in capitals": fault(
      record("Vault.local"),
      "dns.records.Vault.local",
      "lower case",
      "write it in lower case: vault.local",
    ),
    "a record's name of one label": fault(record("vault"), "dns.records.vault", "one dot", "full name"),
    "a record's name with a line's end": fault(
      record("a.b\nserver=1.2.3.4"),
      "dns.records.a.b\nserver=1.2.3.4",
      "a-z",
      "name",
    ),
    "a record's name with a comma": fault(record("a.b,c.d"), "dns.records.a.b,c.d", "a-z", "full name"),
    "records in a list": fault(withDns({ records: ["vault.local"] }), "dns.records", "map of names", "Pulumi.yaml"),
    "an upstream that is a name": fault(
      withDns({ upstreams: ["1.1.1.1", "dns.google"] }),
      "dns.upstreams[1]",
      "IPv4",
      "dots",
    ),
    "no upstream": fault(withDns({ upstreams: [] }), "dns.upstreams", "1..16", "Pulumi.yaml"),
    "too many upstreams": fault(
      withDns({ upstreams: Array(17).fill("1.1.1.1") }),
      "dns.upstreams",
      "1..16",
      "Pulumi.yaml",
    ),
    "a private domain in capitals": fault(
      withDns({ privateDomains: ["Plex.direct"] }),
      "dns.privateDomains[0]",
      "lower case",
      "plex.direct",
    ),
    "a private domain that breaks out of its line": fault(
      withDns({ privateDomains: ["a.b/\nserver=1.2.3.4"] }),
      "dns.privateDomains[0]",
      "DNS name",
      "plex.direct",
    ),
    "an empty private domain": fault(withDns({ privateDomains: [""] }), "dns.privateDomains[0]", '"."', "plex.direct"),
    "a private domain with its dot": fault(withDns({ privateDomains: ["a."] }), "dns.privateDomains[0]", '"."', "plex"),
    "private domains in a text": fault(
      withDns({ privateDomains: "a.b" }),
      "dns.privateDomains",
      "64 DNS names",
      "Pulumi",
    ),
    "a key nobody knows": fault(withDns({ upstream: [] }), "dns.upstream", "upstreams, records", "dns.upstreams?"),
  });
});
