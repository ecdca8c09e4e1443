import { z } from "zod";
import { isAddress, isNetwork, type Interval } from "./address";
import { type Advice, adviceOn } from "./advice";

/** What the user reads where something else stands instead of a map, or of a list of networks. */
export const map = "a map of settings";
export const networks = "a list of networks in CIDR form, such as [192.0.2.10/32]";

/** What an issue of zod carries for the user beside its message. */
export interface Params {
  readonly advice?: Advice;
  /** The list is too long or too short, and its elements are read all the same. */
  readonly length?: true;
}

/**
 * A leaf of the schema: `base` decides, `allowed` and `mend` are what the user reads when it says no. Where a value that it takes may have
 * been meant, the user reads that in the place of `mend`.
 * A `default` belongs outside: `field(...).default(value)`.
 */
export function field<T>(base: z.ZodType<T>, allowed: string, mend: string) {
  return z.unknown().transform((value, context): T => {
    const result = base.safeParse(value);
    if (result.success) return result.data;
    const advice = adviceOn(value, base) ?? { full: mend, how: mend };
    context.issues.push({ code: "custom", input: value, message: allowed, params: { advice } satisfies Params });
    return z.NEVER;
  });
}

/**
 * A list of so many elements. Zod's own `max` stops before it reads the elements of a list that is too long.
 * @param allowed what the user reads when it is none, or is too long or too short
 */
export function list<E extends z.ZodType>(element: E, allowed: string, { least = 0, most = Infinity } = {}) {
  return z.array(element, allowed).refine(({ length }) => least <= length && length <= most, {
    error: allowed,
    params: { length: true } satisfies Params,
    // The elements' errors and its own are told together.
    when: ({ value }) => Array.isArray(value),
  });
}

export const address = (what: string) =>
  field(
    z.string().refine(isAddress),
    `${what}: an IPv4 address such as 10.4.0.7`,
    "write four decimal numbers 0..255 with dots",
  );

export const port = (what: string) =>
  field(z.int().min(1).max(65535), `${what}: a whole number 1..65535`, "choose a port in that range");

export const network = (what: string, mend: string) =>
  field(z.string().refine(isNetwork), `${what}: a network in CIDR form with no host bits, such as 10.4.0.0/24`, mend);

/** Which keys something has: another number makes other ones. */
export const keyVersion = (whose: string) =>
  field(
    z.int().min(1).max(1_000_000),
    "a whole number 1..1000000",
    `add 1 to make ${whose} new keys, or leave it out for 1`,
  ).default(1);

export const text = (what: string) => field(z.string().trim().min(1), what, "give a text that is not empty");

/** Part of a provider's credentials, which OpenVPN reads from a line of its own. */
export const credential = (what: "username" | "password") =>
  field(
    z.string().regex(/^\P{Cc}+$/u),
    "a text of one line",
    `pulumi config set --secret --path 'credentials.EXIT.${what}', with the exit's name`,
  );

export const exitName = z.string().regex(/^[a-z][a-z0-9-]{0,7}$/);

/** A WireGuard key: 32 bytes in base64, as `wg pubkey` prints it. */
export const isWireGuardKey = (value: string): boolean =>
  /^[A-Za-z0-9+/]{43}=$/.test(value) && Buffer.from(value, "base64").toString("base64") === value;

/** A machine's public host key as sshd keeps it; only ed25519. */
export const isHostKey = (value: string): boolean =>
  /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}( .*)?$/.test(value);

/** A time of the day, HH:MM; 24:00 is the day's end, at which nothing begins. */
export const clock = (what: string, last: "23:59" | "24:00") =>
  field(
    z
      .string()
      .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/)
      .refine((value) => value <= last),
    `${what}: a time HH:MM, 00:00..${last}`,
    'write four digits and quote them, such as "09:00"',
  );

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/**
 * Whether the platform's time zone data (IANA's) knows a zone. Offsets such as +02:00 are none: they follow no daylight saving.
 * Nor is Europe/BERLIN: the machine looks for a file of that name.
 */
export function isTimeZone(value: string): boolean {
  const areas = /^(UTC|(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc)\/.+)$/;
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: value }).resolvedOptions();
    return areas.test(value) && (timeZone === value || timeZone.toLowerCase() !== value.toLowerCase());
  } catch {
    return false;
  }
}

/** `first-last`, both 1..65535, in that order. */
export function isPortRange(value: string): boolean {
  const [, first, last] = /^([1-9]\d{0,4})-([1-9]\d{0,4})$/.exec(value) ?? [];
  return first !== undefined && Number(first) <= Number(last) && Number(last) <= 65535;
}

/** @param port a port, or a range by {@link isPortRange} */
export function portInterval(port: number | string): Interval {
  const [first = 0, last = first] = String(port).split("-").map(Number);
  return { first, last };
}

const portsText = "a list of 1..64 ports and ranges, such as [80, 443, 8000-8100]";

/** Destination ports: numbers, or ranges "first-last". */
export const ports = list(
  field(
    z.union([z.int().min(1).max(65535), z.string().refine(isPortRange)]),
    'a port 1..65535, or a range "first-last"',
    'such as 443 or "8000-8100"',
  ),
  portsText,
  { least: 1, most: 64 },
);

/** What the user reads where something else stands instead of a list of services. */
export const services = "a list of at most 32 services, each with protocol and ports";

/** Something that a machine serves. */
export const service = z.strictObject(
  { protocol: field(z.enum(["tcp", "udp"]), '"tcp" or "udp"', "name the service's protocol"), ports },
  map,
);
export type Service = z.output<typeof service>;
