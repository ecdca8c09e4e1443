import { isAddress, isCidr, isHost } from "./address";
import { isWireGuardKey } from "./fields";
import { notAProfile } from "./profileForeign";
import { namesOnly, type ProfileFinding, type ReadProfile, type Remote } from "./profileParts";

/** What the gateway takes from a WireGuard provider's .conf file (`man 8 wg`, `man 8 wg-quick`). */
export interface WireGuardProfile {
  readonly kind: "wireguard";
  /** Where the provider listens; one. */
  readonly remotes: readonly Remote[];
  readonly wantsCredentials: false;
  /** The customer's IPv4 address in the tunnel. */
  readonly address: string;
  /** Bytes, 576..1420. Default 1420. */
  readonly mtu: number;
  /** Key material: secrets. */
  readonly privateKey: string;
  readonly publicKey: string;
  readonly presharedKey: string | undefined;
}

/** wg-quick runs these in a shell: refused. */
const scripts = new Set(["preup", "postup", "predown", "postdown"]);
/** Decided by the gateway itself: its resolvers, its routes. */
const replaced = new Set(["dns", "table", "saveconfig", "fwmark", "listenport", "allowedips", "persistentkeepalive"]);
/** What is used, and the section it belongs to. */
const used: ReadonlyMap<string, string> = new Map([
  ["privatekey", "interface"],
  ["address", "interface"],
  ["mtu", "interface"],
  ["publickey", "peer"],
  ["presharedkey", "peer"],
  ["endpoint", "peer"],
]);
/** AmneziaWG's: its packets look like nothing a WireGuard peer knows. */
const foreign = /^(jc|jmin|jmax|s[1-4]|h[1-4]|i[1-5])$/;

/** IPv6 around a packet of this size still fits an uplink of 1500 bytes. */
const LARGEST_MTU = 1420;

const copy = "copy it from the provider's configuration";

interface Entry {
  readonly value: string;
  readonly line: number;
}

/** The file's settings by their names in lower case, each as often as it stands there, and what is not understood. */
function readEntries(text: string): { entries: ReadonlyMap<string, Entry[]>; findings: ProfileFinding[] } {
  const findings: ProfileFinding[] = [];
  const entries = new Map<string, Entry[]>();
  let section = "";
  let peers = 0;
  const entry = (content: string, line: number) => {
    const equals = content.indexOf("=");
    const key = content.slice(0, Math.max(equals, 0)).trim();
    const value = content.slice(equals + 1).trim();
    const name = key.toLowerCase();
    const find = (problem: string, mend: string) => void findings.push({ line, problem, mend });
    // wg-quick reads up to a line's end, of which these are others.
    if (/[\r\u2028\u2029]/.test(content)) find("a control character stands in the line", "take the character out");
    else if (scripts.has(name)) find(`\`${key}\` runs a command on the gateway`, "take the line out");
    else if (foreign.test(name)) find("a setting of AmneziaWG stands there", "ask the provider for plain WireGuard");
    else if (replaced.has(name) || (section === "peer" && peers > 1)) return;
    else if (used.has(name) && used.get(name) === section)
      entries.set(name, [...(entries.get(name) ?? []), { value, line }]);
    else find("the line is no setting of wg-quick that the gateway knows there", "take the line out");
  };
  // A comment begins anywhere, and capitals do not matter, as in wg-quick.
  text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .forEach((raw, index) => {
      const content = (raw.split("#", 1)[0] ?? "").trim();
      const opened = /^\[(interface|peer)\]$/i.exec(content)?.[1]?.toLowerCase();
      section = opened ?? section;
      if (opened === "peer" && ++peers > 1) {
        const mend = "keep the one server that this exit shall use";
        findings.push({ line: index + 1, problem: "there is another [Peer]", mend });
      } else if (opened === undefined && content !== "") entry(content, index + 1);
    });
  return { entries, findings };
}

/**
 * Reads a WireGuard provider's .conf file. What cannot be used is left out of the profile: no value of it holds anything but an address, a
 * host or a key.
 * @returns what the gateway uses of it, and everything that is wrong with it
 */
export function parseWireGuardProfile(text: string): ReadProfile<WireGuardProfile> {
  const foreign = notAProfile(text);
  const { entries, findings } = readEntries(foreign ? "" : text);
  if (foreign) findings.push(foreign);
  // Of a setting that stands there twice the last one counts, as for wg; addresses add up.
  const last = (name: string): Entry | undefined => entries.get(name)?.at(-1);
  const wrong = (entry: Entry | undefined, problem: string, mend: string) => {
    if (!foreign) findings.push({ ...(entry && { line: entry.line }), problem, mend });
  };

  const key = (name: string, mend: string): string => {
    const entry = last(name.toLowerCase());
    if (entry && isWireGuardKey(entry.value)) return entry.value;
    wrong(entry, entry ? `the ${name} is not a whole key, 44 characters` : `there is no ${name}`, mend);
    return "";
  };
  const privateKey = key("PrivateKey", `${copy}, or put the key in that belongs to the one you gave the provider`);
  const publicKey = key("PublicKey", copy);
  const presharedKey = last("presharedkey") && key("PresharedKey", copy);

  const given = entries.get("address") ?? [];
  const address = given
    .flatMap(({ value }) => value.split(",").map((part) => part.trim()))
    .find((one) => isAddress(one) || isCidr(one))
    ?.split("/")[0];
  if (address === undefined)
    wrong(
      given[0],
      given.length > 0 ? "the Address is not an IPv4 one" : "there is no Address",
      "write the IPv4 address that the provider gave you, such as `Address = 10.2.0.2/32`",
    );

  const endpoint = last("endpoint");
  const [, host = "", digits = ""] = /^(.+):(\d{1,5})$/.exec(endpoint?.value ?? "") ?? [];
  const port = Number(digits);
  const remotes: Remote[] = isHost(host) && port >= 1 && port <= 65535 ? [{ host, port, protocol: "udp" }] : [];
  if (endpoint === undefined)
    wrong(endpoint, "there is no Endpoint", "add `Endpoint = HOST:PORT` with the provider's server");
  else if (/^\[.*\]:\d+$/.test(endpoint.value))
    wrong(
      endpoint,
      "the Endpoint is an IPv6 address; the gateway reaches providers by IPv4",
      "take the server's IPv4 address",
    );
  else if (remotes.length === 0)
    wrong(
      endpoint,
      "the Endpoint is not HOST:PORT, a DNS name or an IPv4 address and a port 1..65535",
      "correct it, as in `Endpoint = vpn.example.com:51820`",
    );

  const size = last("mtu");
  const mtu = /^\d{1,5}$/.test(size?.value ?? "") ? Math.min(Number(size?.value), LARGEST_MTU) : LARGEST_MTU;
  if (size && (!/^\d{1,5}$/.test(size.value) || mtu < 576))
    wrong(size, "the MTU is not a number of bytes from 576 on", `take the line out for ${LARGEST_MTU}`);

  return {
    profile: {
      kind: "wireguard",
      remotes,
      wantsCredentials: false,
      address: address ?? "0.0.0.0",
      mtu,
      privateKey,
      publicKey,
      presharedKey,
    },
    findings,
    warnings: namesOnly(
      remotes,
      endpoint?.line,
      "put the server's address in the name's place, if the provider names it",
    ),
  };
}
