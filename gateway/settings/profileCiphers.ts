import type { ProfileFinding } from "./profileParts";

/** An option of a profile, its name first. */
export type Stated = readonly string[];

/** The last `name` of a profile, for OpenVPN takes the last. */
export const lastOf = (stated: readonly Stated[], ...names: readonly string[]): Stated | undefined =>
  stated.filter(([name = ""]) => names.includes(name)).at(-1);

/** What OpenVPN 2.6 and 2.7 offer a server unless `data-ciphers` says otherwise. */
const DEFAULT_CIPHERS = ["AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305"];

/** What `openvpn --show-ciphers` lists on Debian 12 and on Debian 13. Blowfish, CAST and DES need a part of OpenSSL that is not loaded. */
const KNOWN_CIPHER =
  /^((AES|ARIA)-(128|192|256)-(CBC|CFB[18]?|OFB|GCM)|CAMELLIA-(128|192|256)-(CBC|CFB[18]?|OFB)|CHACHA20-POLY1305|SM4-(CBC|CFB|OFB)|DES-EDE3-(CBC|CFB[18]?|OFB)|DES-EDE-(CBC|CFB|OFB))$/;

/** Characters of `data-ciphers` that OpenVPN takes (MAX_NCP_CIPHERS_LENGTH in its ssl_ncp.h, with the end). */
const LONGEST_LIST = 127;

const ANY_NAME = /^[A-Za-z0-9-]+$/;

/**
 * What the client offers: what the profile's `data-ciphers` lists, or OpenVPN's own three; and its `cipher` and `data-ciphers-fallback`,
 * which OpenVPN 2.6 does not offer by themselves. A `?` lets OpenVPN skip a cipher that it does not know.
 * `none` is never offered: what the gateway sends to a provider is encrypted.
 * Example: `cipher AES-256-CBC` -> `data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305:?AES-256-CBC`.
 * @param stated every option of the profile
 * @returns the lines in the place of the profile's own
 */
export function negotiate(stated: readonly Stated[]): {
  lines: string[][];
  findings: ProfileFinding[];
  warnings: ProfileFinding[];
} {
  const nothing = { lines: [], findings: [], warnings: [] };
  const [, cipher] = lastOf(stated, "cipher") ?? [];
  const [, list] = lastOf(stated, "data-ciphers", "ncp-ciphers") ?? [];
  const [, fallback] = lastOf(stated, "data-ciphers-fallback") ?? [];
  if (cipher === undefined && list === undefined && fallback === undefined) return nothing;

  const listed = list === undefined ? DEFAULT_CIPHERS : list.split(":").flatMap(expandDefault);
  const asked = [...listed, cipher ?? [], fallback ?? []].flat().map((name) => name.replace(/^\?/, "").toUpperCase());
  if (!asked.every((name) => ANY_NAME.test(name)))
    return {
      ...nothing,
      findings: [{ problem: "a cipher has a name that OpenVPN cannot know", mend: "write it as in AES-256-GCM" }],
    };
  const offered = [...new Set(asked)].filter((name) => KNOWN_CIPHER.test(name));
  const unknown = [...new Set(asked)].filter((name) => !KNOWN_CIPHER.test(name));
  const usable = offered.length > 0 ? offered : DEFAULT_CIPHERS;
  const line = usable.map((name) => (DEFAULT_CIPHERS.includes(name) ? name : `?${name}`)).join(":");
  if (line.length > LONGEST_LIST) {
    const problem = `the ciphers are more than the ${LONGEST_LIST} characters that OpenVPN takes`;
    return { ...nothing, findings: [{ problem, mend: "leave those in `data-ciphers` that the provider needs" }] };
  }
  const single = (fallback ?? cipher ?? "").toUpperCase();
  return {
    lines: [["data-ciphers", line], ...(KNOWN_CIPHER.test(single) ? [["data-ciphers-fallback", single]] : [])],
    findings: [],
    warnings: unknown.length > 0 ? [unusable(unknown)] : [],
  };
}

/** `DEFAULT` in a list stands for OpenVPN's own three. */
const expandDefault = (name: string): string[] => (name === "DEFAULT" ? DEFAULT_CIPHERS : [name]);

const unusable = (names: readonly string[]): ProfileFinding => ({
  problem: names.every((name) => name === "NONE")
    ? "the profile wants no encryption (`none`), which the gateway does not offer"
    : `the gateway cannot offer ${names.length === 1 ? "a cipher" : "ciphers"} of the profile: OpenVPN of Debian knows none such`,
  mend: "leave it when the exit comes up: the provider has others; after AUTH_FAILED with `no shared cipher` ask for a newer profile",
});
