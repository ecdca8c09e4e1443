import { z } from "zod";
import { MAX_SLOT } from "../plan/ids";
import { isSource } from "./address";
import { clock, exitName, field, isTimeZone, list, map, ports, text, weekdays } from "./fields";

/* Ways out, and what takes which. */

/** Names the gateway uses itself where an exit's would stand. */
const taken = ["direct", "block", "host", "local", "none"];

const daysText = "a list of days, such as [mon, tue]";
const membersText = "a list of 1..8 names of exits";

export const exit = z.strictObject(
  {
    /** What rules call it. */
    name: field(
      exitName.refine((value) => !taken.includes(value)),
      `an exit's name: 1..8 of a-z, 0-9 and -, beginning with a letter; not ${taken.join(", ")}, which are the gateway's own`,
      "choose another name",
    ),
    /** What the provider speaks. Default openvpn. */
    kind: field(
      z.enum(["openvpn", "wireguard"]),
      '"openvpn" or "wireguard"',
      "direct and block need no entry here; failover is a group",
    ).default("openvpn"),
    /** The provider's .ovpn file, or its WireGuard .conf file: a path from the project's folder. */
    profile: text("the path of the provider's .ovpn or .conf file"),
    /** Which namespace, network, table and marks it has. Default 1, the documented ones. */
    slot: field(
      z.int().min(1).max(MAX_SLOT),
      `a whole number 1..${MAX_SLOT}`,
      "give each exit a slot of its own",
    ).default(1),
  },
  map,
);

/** Hours of the wall clock in a time zone; from daylight-saving change to daylight-saving change the same. */
export const during = z.strictObject(
  {
    /** Days on which it begins. Default all seven. */
    days: list(
      field(z.enum(weekdays), `one of ${weekdays.join(", ")}`, "write the day's first three letters"),
      daysText,
      { least: 1 },
    )
      // Each once and in order, so that the same hours are the same.
      .transform((days) => weekdays.filter((day) => days.includes(day)))
      .default([...weekdays]),
    /** When it begins, HH:MM. */
    from: clock("the beginning", "23:59"),
    /** When it ends, HH:MM, up to 24:00; not after the beginning: on the next day. */
    to: clock("the end", "24:00"),
    /** An IANA time zone. */
    timeZone: field(
      z.string().refine(isTimeZone),
      "an IANA time zone such as Europe/Berlin or UTC",
      "look it up in the IANA time zone database",
    ),
  },
  map,
);

export const rule = z.strictObject(
  {
    /** Whose traffic: an address, a network, or a range first-last of the clients' network. Default: all of it. */
    from: field(
      z.string().refine(isSource),
      "an address, a network without host bits, or a range first-last",
      "such as 10.4.0.128/25 or 10.4.0.64-10.4.0.255",
    ).optional(),
    /** Only this protocol. Default: every one. */
    protocol: field(
      z.enum(["tcp", "udp", "icmp"]),
      '"tcp", "udp" or "icmp"',
      "leave it out for every protocol",
    ).optional(),
    /** Only these destination ports: numbers, or ranges "first-last". Needs protocol tcp or udp. Default: all. */
    ports: ports.optional(),
    /** Only in these hours. Default: always. */
    during: during.optional(),
    /** Which way out: the name of an exit or of a group, "direct", or "block" (local networks only). */
    exit: text('the name of an exit or of a group, "direct" or "block"'),
  },
  map,
);

/** Exits in the order of preference. Clients are on the first that is well; when all are ill, blocked. */
export const group = z.strictObject(
  {
    /** What rules call it; no exit may have the same. */
    name: field(
      exitName.refine((value) => !taken.includes(value)),
      `a group's name: 1..8 of a-z, 0-9 and -, beginning with a letter; not ${taken.join(", ")}, which are the gateway's own`,
      "choose another name",
    ),
    /** Names of exits, the preferred one first. */
    members: list(text("the name of an exit"), membersText, { least: 1, most: 8 }),
    /** How long an earlier member must have been well before clients go back to it, seconds. Default 30. */
    backAfter: field(z.int().min(0).max(86400), "seconds, a whole number 0..86400", "leave it out for 30").default(30),
  },
  map,
);
