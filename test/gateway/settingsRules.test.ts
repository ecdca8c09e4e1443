import { describe, expect, it } from "vitest";
import { fault, holds, withRule } from "./faultTable";
import { ec2, faultsOf, vpn, type Raw } from "./settingsFixtures";

const exits = [vpn, { ...vpn, name: "se", slot: 2 }];
const group = { name: "any", members: ["vpn", "se"] };
const withRules = (...rules: Raw[]): Raw => ({ host: ec2, exits, groups: [group], rules });

const office = { from: "09:00", to: "17:00", timeZone: "Europe/Berlin" };
const withHours = (part: Raw): Raw => withRule({ during: { ...office, ...part } });

describe("a rule", () => {
  holds({
    "to a mistyped exit": fault(
      withRule({ exit: "vpm" }),
      "rules[0].exit",
      "one of direct, block, vpn",
      'did you mean "vpn"?',
    ),
    "to a mistyped group": fault(
      withRules({ exit: "any1" }),
      "rules[0].exit",
      "one of direct, block, vpn, se, any",
      'did you mean "any"?',
    ),
    "to a mistyped block": fault(withRule({ exit: "blok" }), "rules[0].exit", "direct, block", 'did you mean "block"?'),
    "to an unknown exit": fault(withRule({ exit: "sweden" }), "rules[0].exit", "one of direct, block", "add the exit"),
    "without an exit": fault({ host: ec2, rules: [{}] }, "rules[0].exit", "direct", "not empty"),
    "from elsewhere": fault(withRule({ from: "10.5.0.0/25" }), "rules[0].from", "10.4.0.0/24", "clients' network"),
    "from more than the network": fault(withRule({ from: "10.4.0.0/16" }), "rules[0].from", "10.4.0.0/24", "clients"),
    "from a network with host bits": fault(
      withRule({ from: "10.4.0.5/25" }),
      "rules[0].from",
      "host bits",
      'the network, "10.4.0.0/25", or the address alone, "10.4.0.5/32"',
    ),
    "from a range backwards": fault(
      withRule({ from: "10.4.0.9-10.4.0.3" }),
      "rules[0].from",
      "range",
      'first: "10.4.0.3-10.4.0.9"',
    ),
    "from nothing": fault(withRule({ from: "" }), "rules[0].from", "range", "such as"),
    "with a key nobody knows": fault(
      withRule({ form: "10.4.0.5" }),
      "rules[0].form",
      "from, protocol, ports, during, exit",
      "rules[0].from?",
    ),
    "alone instead of in a list": fault({ host: ec2, rules: { exit: "direct" } }, "rules", "list", "Pulumi.yaml"),
    "of an unknown protocol": fault(withRule({ protocol: "gre" }), "rules[0].protocol", '"tcp", "udp" or', "every"),
    "of a protocol in capitals": fault(
      withRule({ protocol: "TCP" }),
      "rules[0].protocol",
      '"tcp"',
      'lower case: "tcp"',
    ),
  });
});

describe("the ports of a rule", () => {
  const ports = (...all: unknown[]): Raw => withRule({ protocol: "tcp", ports: all });
  const single = 'a port 1..65535, or a range "first-last"';
  holds({
    "without a protocol": fault(
      withRule({ ports: [80, "443-500"] }),
      "rules[0].ports",
      "only together with protocol tcp or udp",
      "add the protocol; for both write two rules",
    ),
    "of icmp": fault(withRule({ protocol: "icmp", ports: [80] }), "rules[0].ports", "tcp or udp", "add the protocol"),
    "0": fault(ports(0), "rules[0].ports[0]", single, '443 or "8000-8100"'),
    "65536": fault(ports(80, 65536), "rules[0].ports[1]", single, "such as"),
    "half of one": fault(ports(1.5), "rules[0].ports[0]", single, "such as"),
    "one in a text": fault(ports("80"), "rules[0].ports[0]", single, "without quotes: 80"),
    "a name": fault(ports("https"), "rules[0].ports[0]", single, "such as"),
    "a range backwards": fault(ports("81-80"), "rules[0].ports[0]", single, '"80-81"'),
    "a range from 0": fault(ports("0-80"), "rules[0].ports[0]", single, "such as"),
    "a range past the last": fault(ports("80-65536"), "rules[0].ports[0]", single, "such as"),
    "a range without an end": fault(ports("80-"), "rules[0].ports[0]", single, "such as"),
    "a range of three": fault(ports("1-2-3"), "rules[0].ports[0]", single, "such as"),
    "what nft would read otherwise": fault(ports("80-90 } accept #"), "rules[0].ports[0]", single, "such as"),
    none: fault(ports(), "rules[0].ports", "1..64 ports", "Pulumi.yaml"),
    "too many": fault(ports(...Array.from({ length: 65 }, (_, i) => i + 1)), "rules[0].ports", "1..64", "Pulumi.yaml"),
    "one alone": fault(withRule({ protocol: "tcp", ports: 80 }), "rules[0].ports", "list of 1..64", "Pulumi.yaml"),
  });

  it.each([[[80, 80]], [[80, "70-90", "90-100"]], [["80-80"]], [["1-65535"]], [[1, 65535]]])("%j are taken", (some) => {
    expect(faultsOf(ports(...some)).faults).toEqual([]);
  });
});

describe("the hours of a rule", () => {
  const hours = "rules[0].during";
  holds({
    "without a beginning": fault(withHours({ from: undefined }), `${hours}.from`, "the beginning", "quote"),
    "without an end": fault(
      withHours({ to: undefined }),
      `${hours}.to`,
      "the end: a time HH:MM, 00:00..24:00",
      "quote",
    ),
    "with a beginning of one digit": fault(withHours({ from: "9:00" }), `${hours}.from`, "HH:MM", '"09:00"'),
    "with a number, as YAML reads 09:00 without quotes": fault(
      withHours({ from: 540 }),
      `${hours}.from`,
      "the beginning: a time HH:MM, 00:00..23:59",
      'in quotes: "09:00"',
    ),
    "that begin at 24:00": fault(withHours({ from: "24:00" }), `${hours}.from`, "00:00..23:59", "four digits"),
    "that end at 24:01": fault(withHours({ to: "24:01" }), `${hours}.to`, "00:00..24:00", "four digits"),
    "with 60 minutes": fault(withHours({ to: "10:60" }), `${hours}.to`, "00:00..24:00", "four digits"),
    "with seconds": fault(withHours({ to: "10:00:00" }), `${hours}.to`, "HH:MM", "four digits"),
    "with a line's end": fault(withHours({ to: "10:00\n" }), `${hours}.to`, "HH:MM", "on one line"),
    "that are empty": fault(withHours({ to: "09:00" }), hours, "not empty", "from 00:00 to 24:00"),
    "that are empty at midnight": fault(withHours({ from: "00:00", to: "00:00" }), hours, "not empty", "24:00"),
    "without a zone": fault(withHours({ timeZone: undefined }), `${hours}.timeZone`, "IANA", "look it up"),
    "in an unknown zone": fault(withHours({ timeZone: "Europe/Berlim" }), `${hours}.timeZone`, "IANA", "look it up"),
    "in a zone in capitals": fault(withHours({ timeZone: "Europe/BERLIN" }), `${hours}.timeZone`, "Berlin", "look"),
    "in a zone that is a file": fault(withHours({ timeZone: "Europe/../UTC" }), `${hours}.timeZone`, "IANA", "look"),
    "in an offset": fault(withHours({ timeZone: "+02:00" }), `${hours}.timeZone`, "IANA", "look it up"),
    "in an abbreviation": fault(withHours({ timeZone: "CET" }), `${hours}.timeZone`, "IANA", "look it up"),
    "on an unknown day": fault(
      withHours({ days: ["mon", "tues"] }),
      `${hours}.days[1]`,
      "one of mon, tue",
      'did you mean "tue"?',
    ),
    "on a day in capitals": fault(withHours({ days: ["Mon"] }), `${hours}.days[0]`, "one of mon", '"mon"'),
    "on no day": fault(withHours({ days: [] }), `${hours}.days`, "a list of days", "Pulumi.yaml"),
    "with a key nobody knows": fault(
      withHours({ timezone: "UTC" }),
      `${hours}.timezone`,
      "days, from, to, timeZone",
      "rules[0].during.timeZone?",
    ),
    "in a text": fault(withRule({ during: "09:00-17:00" }), hours, "a map of settings", "Pulumi.yaml"),
  });

  it.each([
    { to: "24:00" },
    { from: "00:00", to: "24:00" },
    { from: "22:00", to: "00:00" },
    { from: "23:59", to: "06:00" },
    { days: ["sun", "mon", "sun"] },
    { timeZone: "UTC" },
    { timeZone: "Asia/Kolkata" },
    { timeZone: "Asia/Calcutta" },
    { timeZone: "Europe/Kyiv" },
    { timeZone: "America/Argentina/Buenos_Aires" },
  ])("%j are taken", (part) => {
    expect(faultsOf(withHours(part)).faults).toEqual([]);
  });
});

it("ports and hours are shown as they stand there", () => {
  expect(faultsOf(withRule({ ports: [80, "443-500"] })).message).toContain('rules[0].ports is "80, 443-500"\n');
  expect(faultsOf(withHours({ to: "09:00" })).message).toContain('rules[0].during is "09:00-09:00"\n');
});
