import { describe } from "vitest";
import { fault, holds, withClient, withClients } from "./faultTable";
import { ec2, publicKey } from "./settingsFixtures";

const aClient = { name: "phone", address: "10.4.0.50" };

describe("a client", () => {
  const outside = "an address of 10.4.0.0/24 other than its first, its last and the gateway's 10.4.0.1";
  holds({
    "outside of the network": fault(withClient({ address: "10.4.1.5" }), "clients[0].address", outside, "inside"),
    "on the network's own address": fault(withClient({ address: "10.4.0.0" }), "clients[0].address", "own", "another"),
    "on the broadcast address": fault(
      withClient({ address: "10.4.0.255" }),
      "clients[0].address",
      "broadcast",
      "other",
    ),
    "on the gateway's address": fault(withClient({ address: "10.4.0.1" }), "clients[0].address", "gateway's", "other"),
    "with an address that is none": fault(
      withClient({ address: "10.4.0.256" }),
      "clients[0].address",
      "IPv4",
      "0..255",
    ),
    "with leading zeros": fault(
      withClient({ address: "10.4.0.050" }),
      "clients[0].address",
      "IPv4",
      'zeros: "10.4.0.50"',
    ),
    "with a prefix length": fault(
      withClient({ address: "10.4.0.50/24" }),
      "clients[0].address",
      "IPv4",
      'prefix length: "10.4.0.50"',
    ),
    "without an address": fault(withClients({ name: "phone" }), "clients[0].address", "IPv4", "dots"),
    "without a name": fault(withClients({ address: "10.4.0.50" }), "clients[0].name", "a-z", "another name"),
    "with a name in capitals": fault(withClient({ name: "Phone" }), "clients[0].name", "a-z", 'lower case: "phone"'),
    "with a name that is a number": fault(withClient({ name: 7 }), "clients[0].name", "1..32", "another name"),
    "with a name too long": fault(withClient({ name: "a".repeat(33) }), "clients[0].name", "1..32", "another name"),
    "with another's address": fault(
      withClients(aClient, { name: "other", address: "10.4.0.50" }),
      "clients[1].address",
      "clients[0] has it",
      "its own",
    ),
    "with another's name": fault(
      withClients(aClient, { name: "phone", address: "10.4.0.51" }),
      "clients[1].name",
      "clients[0] has it",
      "its own",
    ),
    "with another's public key": fault(
      withClients(
        { ...aClient, publicKey: publicKey(1) },
        { name: "b", address: "10.4.0.51", publicKey: publicKey(1) },
      ),
      "clients[1].publicKey",
      "clients[0] has it",
      "its own",
    ),
    "with a public key too short": fault(withClient({ publicKey: "abc" }), "clients[0].publicKey", "44", "wg pubkey"),
    "with a public key of 33 bytes": fault(
      withClient({ publicKey: Buffer.alloc(33).toString("base64") }),
      "clients[0].publicKey",
      "32 bytes",
      "wg pubkey",
    ),
    "with a public key that is not canonical": fault(
      withClient({ publicKey: `${"A".repeat(42)}B=` }),
      "clients[0].publicKey",
      "32 bytes",
      "wg pubkey",
    ),
    "with a key nobody knows": fault(
      withClient({ adress: "10.4.0.5" }),
      "clients[0].adress",
      "publicKey",
      "clients[0].address?",
    ),
    "that is a text": fault(withClients("phone"), "clients[0]", "map", "Pulumi.yaml"),
    "in a map instead of a list": fault({ host: ec2, clients: { phone: aClient } }, "clients", "list", "Pulumi.yaml"),
  });
});
