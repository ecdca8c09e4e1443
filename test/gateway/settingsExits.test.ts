import { describe } from "vitest";
import { fault, holds, withExit, withExits } from "./faultTable";
import { ec2, vpn } from "./settingsFixtures";

describe("an exit", () => {
  holds({
    "with another's slot": fault(withExits(vpn, { ...vpn, name: "b" }), "exits[1].slot", 'that of "vpn"', "of its own"),
    "with another's name": fault(withExits(vpn, { ...vpn, slot: 2 }), "exits[1].name", "no other exit", "another name"),
    "named direct": fault(withExit({ name: "direct" }), "exits[0].name", "not direct", "another name"),
    "named as a part of the gateway is": fault(
      withExit({ name: "host" }),
      "exits[0].name",
      "not direct, block, host, local, none, which",
      "another",
    ),
    "named as no exit": fault(withExit({ name: "none" }), "exits[0].name", "not direct, block", "another"),
    "with a name too long for an interface": fault(withExit({ name: "provider1" }), "exits[0].name", "1..8", "another"),
    "with an underscore": fault(withExit({ name: "a_b" }), "exits[0].name", "a-z, 0-9 and -", "another"),
    "in slot 0": fault(withExit({ slot: 0 }), "exits[0].slot", "1..50", "slot of its own"),
    "in slot 51": fault(withExit({ slot: 51 }), "exits[0].slot", "1..50", "slot of its own"),
    "in half a slot": fault(withExit({ slot: 1.5 }), "exits[0].slot", "whole number", "slot of its own"),
    "of another kind": fault(
      withExit({ kind: "ipsec" }),
      "exits[0].kind",
      '"openvpn" or "wireguard"',
      "failover is a group",
    ),
    "without a profile": fault(withExits({ name: "vpn" }), "exits[0].profile", "path", "not empty"),
    "with a profile that is not there": fault(
      withExit({ profile: "no.ovpn" }),
      "exits[0].profile",
      "can be read",
      "path",
    ),
    "with an empty profile": fault(withExit({ profile: "empty.ovpn" }), "exits[0].profile", "is empty", "again"),
    "with a profile without remotes": fault(
      withExit({ profile: "remoteless.ovpn" }),
      "exits[0].profile",
      "remote",
      "take another file",
    ),
    "with a script": fault(
      withExit({ profile: "script.ovpn" }),
      "exits[0].profile",
      "`up` runs a script",
      "take the line",
    ),
    "with a plugin": fault(
      withExit({ profile: "plugin.ovpn" }),
      "exits[0].profile",
      "`plugin` runs",
      "take the line out",
    ),
    "with an option 2.6 rejects": fault(
      withExit({ profile: "rejected.ovpn" }),
      "exits[0].profile",
      "2.6 rejects",
      "newer",
    ),
    "with a reference to a file": fault(
      withExit({ profile: "file.ovpn" }),
      "exits[0].profile",
      "names a file",
      "inline",
    ),
    "that bridges": fault(withExit({ profile: "tap.ovpn" }), "exits[0].profile", "bridges", "dev tun"),
    "with a key nobody knows": fault(
      withExit({ slots: 2 }),
      "exits[0].slots",
      "name, kind, profile, slot",
      "exits[0].slot?",
    ),
  });
});

describe("credentials", () => {
  const asks = withExit({ profile: "asks.ovpn" });
  const good = { username: "someone", password: "secret" };
  holds({
    "not there where the profile asks": fault(asks, "credentials.vpn", "asks for them", "--secret", {}),
    "for an exit that is not there": fault(withExit({}), "credentials.other", "vpn", "add the exit", { other: good }),
    "for a mistyped exit": fault(withExit({}), "credentials.vpm", "vpn", "did you mean credentials.vpn?", {
      vpm: good,
    }),
    "without any exit": fault({ host: ec2 }, "credentials.vpn", "none is configured", "add the exit", { vpn: good }),
    "without a password": fault(asks, "credentials.vpn.password", "one line", "credentials.EXIT.password", {
      vpn: { username: "someone" },
    }),
    "with an empty user name": fault(asks, "credentials.vpn.username", "one line", "credentials.EXIT.username", {
      vpn: { ...good, username: "" },
    }),
    "with a password of two lines": fault(asks, "credentials.vpn.password", "one line", "--secret", {
      vpn: { ...good, password: "a\nb" },
    }),
    "with a key nobody knows": fault(asks, "credentials.vpn.user", "username, password", "credentials.vpn.username?", {
      vpn: { ...good, user: "x" },
    }),
    "that are a text": fault(asks, "credentials", "a map of exits", "Pulumi.yaml", "someone:secret"),
  });
});
