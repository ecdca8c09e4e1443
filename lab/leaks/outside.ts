import type { Capture } from "../capture";
import type { Lab } from "../lab";
import { type Kind, kindOf, kinds, type Prober } from "../probes";
import { until } from "../process";
import { addresses } from "../topology";

/** A packet that was seen where none of a VPN client's may be, or the answer to one that went another way than by its exit. */
export interface Sighting {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of a probe; "other" for a packet that none of the known is, as a reset. */
  readonly kind: Kind | "other";
  /** Whose probe, and its number: one that was seen twice is one. */
  readonly probe: string | undefined;
  /** As tcpdump wrote it, or what it was answered to. */
  readonly text: string;
}

/**
 * What leaves the machine by its uplink, before the cloud looks at its source: less the tunnels to the clients and to the providers, and
 * what the kernel says of them; the operator's SSH; the machine's own DNS, and the multicast of its boot; and the direct client's probes but those of DNS, which the
 * resolvers ask for others too.
 */
const UPLINK = [
  `inbound and (ip or (ip6 and not icmp6)) and not dst host ${addresses.elastic} and not host ${addresses.web}`,
  "not (udp port 45822) and not (src port 22)",
  "not (net 203.0.113.0/24 and (udp port 1194 or udp port 51820))",
  "not (icmp[icmptype] == icmp-unreach and (dst net 198.18.0.0/24 or dst net 203.0.113.0/24))",
  `not dst host ${addresses.vpcResolver} and not dst net 224.0.0.0/4 and not dst net ff00::/8`,
].join(" and ");

/** What homes send past their tunnel, and IPv6 of whomever. */
const HOMES = "inbound and ((ip6 and not icmp6) or (ip src net 198.18.0.0/24 and not udp port 45822))";

/** What a deployment asks by the direct clients' resolver, to see that it answers: no client's. Exits are asked another question. */
const OWN_QUERY = / A\? [0-9a-f]{12}\.direct\.wg-gateway\.invalid\. /;

/** Watches the gateway's uplink and the clients' homes from outside for what must not be seen there. */
export class Outside {
  private constructor(
    private readonly uplink: Capture,
    private readonly homes: Capture,
  ) {}

  static async start({ hosts }: Lab): Promise<Outside> {
    return new Outside(
      await hosts.cloud.capture("any", UPLINK, ["-A"]),
      await hosts.internet.capture("any", HOMES, ["-A"]),
    );
  }

  /** Resolves when everything until now was seen: a probe of the direct client that is sent only now. */
  async caughtUp(direct: Prober): Promise<void> {
    const { next } = direct;
    await until("the capture has caught up", 10_000, () =>
      this.uplink.lines
        .slice(-500)
        .some((line) => Number(new RegExp(`wgprobe-${direct.name}-(\\d{7})`).exec(line)?.[1] ?? -1) >= next),
    );
  }

  /** The packets since a time that may not be there. */
  sightings(from: number, to = Infinity): Sighting[] {
    return [this.uplink, this.homes].flatMap(({ lines }) =>
      packets(lines)
        .filter((text) => !OWN_QUERY.test(text))
        .map(sighting)
        .filter(({ at, kind, probe }) => at >= from && at <= to && (kind === "ipv6" || !probe?.startsWith("direct"))),
    );
  }

  /** Forgets what was seen until now. */
  forget(): void {
    for (const capture of [this.uplink, this.homes]) capture.lines.length = 0;
  }

  /** @returns how many packets the captures missed: none, or they prove nothing */
  async stop(): Promise<number> {
    for (const capture of [this.uplink, this.homes]) await capture.stop({ mayDrop: true });
    return this.uplink.dropped + this.homes.dropped;
  }
}

/** A packet is a line that begins with its time, and the lines of its text. */
function packets(lines: readonly string[]): string[] {
  const whole: string[] = [];
  for (const line of lines)
    if (/^\d{10}\.\d{6} /.test(line)) whole.push(line);
    else if (whole.length > 0) whole[whole.length - 1] += `\n${line}`;
  return whole;
}

function sighting(text: string): Sighting {
  const [, client, number] = /wgprobe-([a-z]+)-(\d{7})/.exec(text) ?? [];
  return {
    at: Number(text.slice(0, 17)) * 1000,
    kind: number === undefined ? "other" : kindOf(Number(number)),
    probe: number === undefined ? undefined : `${client} ${Number(number)}`,
    text,
  };
}

/** Of each probe that was seen, and of each other packet, its kind. */
export const kindsOf = (seen: readonly Sighting[]): Sighting["kind"][] => [
  ...new Map(seen.map(({ probe, text, kind }) => [probe ?? text, kind])).values(),
];

/** How many of each kind, in words; "0" for none. */
export function tally(found: readonly Sighting["kind"][]): string {
  const counts = [...kinds, "other" as const].map((kind) => ({
    kind,
    count: found.filter((one) => one === kind).length,
  }));
  const some = counts.filter(({ count }) => count > 0);
  return some.map(({ kind, count }) => `${count} ${kind}`).join(", ") || "0";
}
