import { lastOf, type Stated } from "./profileCiphers";
import type { ProfileFinding, Remote, Verdict } from "./profileParts";
import type { Item } from "./profileText";

/** Bytes of a TCP packet inside the tunnel, encapsulation included: what fits an uplink of 1500. OpenVPN's default differs between releases. */
const MSSFIX = 1450;

/**
 * What follows `mssfix`: never more than the profile's `fragment`, of which OpenVPN says "you should set --fragment larger or equal than
 * --mssfix", and counted as that counts; and no more than the profile's own `mssfix`.
 */
export function mssfixOf(stated: readonly Stated[]): string {
  const [, fragment, fragmentCounts] = lastOf(stated, "fragment") ?? [];
  const [, own, ownCounts = ""] = lastOf(stated, "mssfix") ?? [];
  const counts =
    fragment !== undefined ? (fragmentCounts === "mtu" ? "mtu" : "") : /^(mtu|fixed)$/.test(ownCounts) ? ownCounts : "";
  const sizes = [fragment, counts === ownCounts ? own : undefined].filter((size) => /^[1-9]\d{1,4}$/.test(size ?? ""));
  return `${Math.min(MSSFIX, ...sizes.map(Number))}${counts && ` ${counts}`}`;
}

const DIGEST =
  /^(none|md5|md5-sha1|ripemd160|rmd160|ripemd|sm3|sha-?1|sha(2-|-)?(224|256|384|512)|sha2?-?512[-/](224|256)|sha3-(224|256|384|512)|blake2(b512|s256|b-512|s-256))$/i;
const NUMBER = /^\d{1,10}$/;

/** What OpenVPN takes as the first argument of an option; with another one it does not start (tried with 2.6.14 and 2.7.8). */
const argumentRules: Readonly<Record<string, { takes: RegExp; allowed: string }>> = {
  auth: { takes: DIGEST, allowed: "a digest such as SHA256" },
  "tls-version-min": { takes: /^1\.[0-3]$/, allowed: "1.0..1.3" },
  "tls-version-max": { takes: /^1\.[0-3]$/, allowed: "1.0..1.3" },
  "tls-cert-profile": {
    takes: /^(legacy|preferred|insecure|suiteb)$/,
    allowed: "legacy, preferred, insecure or suiteb",
  },
  "key-direction": { takes: /^[01]$/, allowed: "0 or 1" },
  "remote-cert-tls": { takes: /^(server|client)$/, allowed: "server or client" },
  topology: { takes: /^(subnet|net30|p2p)$/, allowed: "subnet, net30 or p2p" },
  compress: { takes: /^(|lzo|lz4|lz4-v2|stub|stub-v2|migrate)$/, allowed: "lzo, lz4, lz4-v2, stub or stub-v2" },
  "comp-lzo": { takes: /^(|yes|no|adaptive)$/, allowed: "yes, no or adaptive" },
  fragment: { takes: /^[1-9]\d{1,4}$/, allowed: "bytes" },
  "reneg-sec": { takes: NUMBER, allowed: "seconds" },
  "tls-timeout": { takes: NUMBER, allowed: "seconds" },
  "hand-window": { takes: NUMBER, allowed: "seconds" },
  "tran-window": { takes: NUMBER, allowed: "seconds" },
};

/** Options that exclude each other: OpenVPN does not start with both. */
const exclusive = [
  ["tls-auth", "tls-crypt"],
  ["tls-auth", "tls-crypt-v2"],
  ["tls-crypt", "tls-crypt-v2"],
] as const;

/** What makes OpenVPN stop at its start although it knows each option. Quotes no argument: it may be a key in the wrong place. */
export function checkArguments(items: readonly Item[], remotes: readonly Remote[]): Partial<Verdict> {
  const options = items.filter((item) => item.kind === "option" && item.connection === undefined);
  const arguments_ = options.flatMap((item): ProfileFinding[] => {
    const rule = Object.hasOwn(argumentRules, item.name) ? argumentRules[item.name] : undefined;
    if (item.kind === "block" || !rule || rule.takes.test(item.parameters[0] ?? "")) return [];
    const problem = `\`${item.name}\` has an argument with which OpenVPN does not start`;
    return [{ line: item.line, problem, mend: `write one that it takes: ${rule.allowed}` }];
  });
  const fragment = options.filter(({ name }) => name === "fragment").at(-1);
  const tcp = remotes.some(({ protocol }) => protocol === "tcp");
  const overTcp = "`fragment` stands beside a remote over TCP, with which OpenVPN does not start";
  const lineOf = (name: string) => items.find((item) => item.name === name)?.line;
  const both = exclusive.flatMap(([one, other]): ProfileFinding[] => {
    const [first, second] = [lineOf(one), lineOf(other)];
    if (first === undefined || second === undefined) return [];
    const problem = `\`${one}\` and \`${other}\` exclude each other`;
    return [{ line: Math.max(first, second), problem, mend: "keep the one that the provider's servers speak" }];
  });
  return {
    findings: [
      ...arguments_,
      ...(fragment && tcp ? [{ line: fragment.line, problem: overTcp, mend: "take one of the two out" }] : []),
      ...both,
    ],
  };
}
