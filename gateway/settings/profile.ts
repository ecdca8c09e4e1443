import { isHost } from "./address";
import { checkCertificates, checkServerProof } from "./certificates";
import { lastOf, negotiate, type Stated } from "./profileCiphers";
import { notAProfile } from "./profileForeign";
import { checkClientProof, checkKeys } from "./profileKeys";
import { fileOptions, inlineOptions, optionRules, resolverScripts } from "./profileOptions";
import { namesOnly, type ProfileFinding, type ReadProfile, type Remote, together, type Verdict } from "./profileParts";
import { checkArguments, mssfixOf } from "./profileArguments";
import { type BlockItem, type Item, LONGEST_LINE, type OptionItem, readItems, writtenLine } from "./profileText";

/** What the gateway takes from a provider's .ovpn file. */
export interface OpenVpnProfile {
  readonly kind: "openvpn";
  readonly remotes: readonly Remote[];
  /** The profile asks for a user name and a password. */
  readonly wantsCredentials: boolean;
  /** What follows `mssfix`: bytes, and "mtu" or "fixed" where the profile's `fragment` or `mssfix` has that. */
  readonly mssfix: string;
  /** The lines that are passed on, written anew; inline files among them. Holds key material: a secret. */
  readonly lines: readonly string[];
}

const takeOut = "take the line out if the provider works without it";

/** What becomes of an option or a block. */
interface Piece {
  readonly lines?: readonly string[];
  readonly findings?: readonly ProfileFinding[];
  /** The option with its parameters, where it counts. A block counts as an option. */
  readonly stated?: Stated;
}

const found = (line: number, problem: string, mend: string): Piece => ({ findings: [{ line, problem, mend }] });

/** `setenv opt X` is X for an OpenVPN that knows X. */
const withoutSetenv = (item: OptionItem): OptionItem =>
  item.name === "setenv" && item.parameters[0] === "opt" && item.parameters[1] !== undefined
    ? { ...item, name: item.parameters[1], parameters: item.parameters.slice(2) }
    : item;

/**
 * The names that OpenVPN skips where it does not know them: those of `ignore-unknown-option` and of `setenv opt`, and each name in a file
 * with `setenv FORWARD_COMPATIBLE 1` (add_option in its options.c).
 */
function mayBeUnknown(items: readonly Item[]): (name: string) => boolean {
  const options = items.filter((item) => item.kind === "option");
  const names = options.flatMap(({ name, parameters }) =>
    name === "ignore-unknown-option"
      ? parameters
      : name === "setenv" && parameters[0] === "opt"
        ? (parameters[1] ?? [])
        : [],
  );
  const all = options.some(({ name, parameters }) => name === "setenv" && parameters.join() === "FORWARD_COMPATIBLE,1");
  return (name) => all || names.includes(name);
}

function written(parts: Stated, line: number): Piece {
  const text = writtenLine(parts);
  if (Buffer.byteLength(text) <= LONGEST_LINE) return { lines: [text] };
  return found(line, `the line is longer than the ${LONGEST_LINE} bytes OpenVPN reads`, "shorten it");
}

function passOn({ name, parameters, line }: OptionItem): Piece {
  const stated = [name, ...parameters];
  if (!fileOptions.has(name)) return { ...written(stated, line), stated };
  if (parameters[0] !== "[inline]") {
    const mend = `put its content inline, between <${name}> and </${name}>`;
    return { ...found(line, `\`${name}\` names a file`, mend), stated };
  }
  // The file follows as a block; the direction of tls-auth would be lost with this line.
  const direction = name === "tls-auth" ? parameters[1] : undefined;
  return direction === undefined ? {} : written(["key-direction", direction], line);
}

function understandOption(item: OptionItem, skipped: (name: string) => boolean): Piece {
  const { name, parameters, line, connection } = item;
  const rule = optionRules.get(name);
  const stated = [name, ...parameters];
  if (/^dev(-type)?$/.test(name) && /^tap/.test(parameters[0] ?? ""))
    return found(line, "`dev tap` bridges Ethernet; a gateway routes", "ask the provider for a `dev tun` profile");
  if (/^(up|down)$/.test(name) && parameters.length === 1 && resolverScripts.has(parameters[0] ?? "")) return {};
  if (rule === undefined)
    return skipped(name)
      ? {}
      : found(line, "an option stands that is not known to be safe in a provider's profile", takeOut);
  if (rule.treatment === "refused") return found(line, `\`${name}\` ${rule.reason}`, rule.fix ?? takeOut);
  const inConnection = connection !== undefined && !/^(remote|proto|r?port|mssfix)$/.test(name);
  if (inConnection && (rule.treatment === "passed" || /cipher/.test(name)))
    return { ...found(line, `\`${name}\` stands inside <connection>`, "move it out of the block"), stated };
  return rule.treatment === "passed" ? passOn(item) : rule.treatment === "read" ? { stated } : {};
}

function understandBlock({ name, line, rows, connection }: BlockItem): Piece {
  if (inlineOptions.has(name) && connection === undefined)
    return { lines: [`<${name}>`, ...rows, `</${name}>`], stated: [name] };
  if (name === "auth-user-pass")
    return {
      ...found(line, "a block holds the credentials", "take it out and set them as the stack's secret `credentials`"),
      stated: [name],
    };
  return found(line, "a block opens that no client's profile has there", "take the block out");
}

const understand = (item: Item, skipped: (name: string) => boolean): Piece =>
  item.kind === "block" ? understandBlock(item) : understandOption(item, skipped);

/** The remote of a `remote` line, or what is wrong with the line. */
function readRemote(host: string, port: string, protocol: string): Remote | Omit<ProfileFinding, "line"> {
  const spoken = /^(udp|tcp)4?(?:-client)?$/.exec(protocol)?.[1];
  if (/^[\da-f:.]*:[\da-f:.]*$/i.test(host) || /^(udp|tcp)6(-client)?$/.test(protocol))
    return {
      problem: "the remote is reached by IPv6; the gateway reaches providers over IPv4",
      mend: "name an IPv4 server of the provider, or take the line out",
    };
  if (!isHost(host))
    return {
      problem: "the HOST of `remote HOST PORT udp|tcp` is neither a DNS name nor an IPv4 address",
      mend: "correct the host",
    };
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65535)
    return {
      problem: "the PORT of `remote HOST PORT udp|tcp` is not a number 1..65535",
      mend: "correct the port, in the line or in `port`",
    };
  if (spoken === undefined)
    return {
      problem: "the protocol of `remote HOST PORT udp|tcp` is another one",
      mend: "correct the protocol, in the line or in `proto`",
    };
  return { host, port: Number(port), protocol: spoken === "tcp" ? "tcp" : "udp" };
}

/** Reads the `remote` lines; what a line leaves open is said by its <connection>, then by the top of the file. */
function readRemotes(items: readonly OptionItem[]): { remotes: Remote[]; findings: ProfileFinding[] } {
  const said = (connection: number | undefined, ...names: readonly string[]): string | undefined => {
    const last = items.filter((item) => item.connection === connection && names.includes(item.name)).at(-1);
    return last && (last.parameters[0] ?? "");
  };
  const top = { port: said(undefined, "port", "rport"), protocol: said(undefined, "proto") };
  const read = items
    .filter(({ name }) => name === "remote")
    .map(({ line, connection, parameters: [host = "", port, protocol] }) => ({
      line,
      remote: readRemote(
        host,
        port ?? said(connection, "port", "rport") ?? top.port ?? "1194",
        protocol ?? said(connection, "proto") ?? top.protocol ?? "udp",
      ),
    }));
  return {
    remotes: read.flatMap(({ remote }) => ("host" in remote ? remote : [])),
    findings: read.flatMap(({ line, remote }) => ("host" in remote ? [] : { line, ...remote })),
  };
}

function checkRemotes(remotes: readonly Remote[], first: number | undefined): Partial<Verdict> {
  if (first === undefined) {
    const mend = "take another file of the provider's: one for a server, with its name or its address";
    return { findings: [{ problem: "no `remote` line names the provider", mend }] };
  }
  const address = `add a line \`remote ADDRESS ${remotes[0]?.port} ${remotes[0]?.protocol}\` with an address the provider names`;
  return { warnings: namesOnly(remotes, first, address) };
}

/**
 * Reads a provider's .ovpn file. Nothing is passed on as it stood: each line is written anew from the words read, so that OpenVPN
 * cannot understand it in another way than this did.
 * @param now when its certificates must be valid
 * @returns what the gateway uses of it, and everything that is wrong with it
 */
export function parseProfile(text: string, now: Date): ReadProfile<OpenVpnProfile> {
  const foreign = notAProfile(text);
  if (foreign) return { profile: noProfile, findings: [foreign], warnings: [] };
  const { items: raw, findings } = readItems(text);
  const skipped = mayBeUnknown(raw);
  const items = raw.map((item) => (item.kind === "option" ? withoutSetenv(item) : item));
  const pieces = items.map((item) => understand(item, skipped));
  const stated = pieces.flatMap((piece) => (piece.stated ? [piece.stated] : []));

  const options = items.filter((item) => item.kind === "option");
  const { remotes, findings: unreached } = readRemotes(options);
  const blocks = items.filter((item) => item.kind === "block");
  const files = blocks.filter((block) => block.whole && block.connection === undefined);
  const ciphers = negotiate(stated);
  const verdict = together([
    { findings },
    ...pieces,
    { findings: unreached },
    checkRemotes(remotes, options.find(({ name }) => name === "remote")?.line),
    ciphers,
    checkArguments(items, remotes),
    checkCertificates(files, stated, now),
    checkKeys(files),
    blocks.every(({ whole }) => whole) ? checkClientProof(stated) : {},
    checkServerProof(stated),
  ]);
  return {
    profile: {
      kind: "openvpn",
      remotes,
      wantsCredentials: lastOf(stated, "auth-user-pass") !== undefined,
      mssfix: mssfixOf(stated),
      lines: [...pieces.flatMap(({ lines = [] }) => lines), ...ciphers.lines.map(writtenLine)],
    },
    ...verdict,
  };
}

/** In the place of a profile that cannot be read. */
export const noProfile: OpenVpnProfile = {
  kind: "openvpn",
  remotes: [],
  wantsCredentials: false,
  mssfix: mssfixOf([]),
  lines: [],
};
