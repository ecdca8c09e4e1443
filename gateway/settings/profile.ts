import { isAddress, isHost } from "./address";
import { checkCertificates, checkServerProof, type InlineFile, type Verdict } from "./certificates";
import { fileOptions, inlineOptions, passed, refused, rejected, replaced, resolverScripts } from "./profileOptions";

/** Where a provider listens; one `remote` line of its profile. */
export interface Remote {
  /** DNS name or IPv4 address. */
  readonly host: string;
  /** 1..65535; OpenVPN's default is 1194. */
  readonly port: number;
  readonly protocol: "udp" | "tcp";
}

/** What the gateway takes from a provider's .ovpn file. */
export interface OpenVpnProfile {
  readonly kind: "openvpn";
  readonly remotes: readonly Remote[];
  /** The profile asks for a user name and a password. */
  readonly wantsCredentials: boolean;
  /** The lines that are passed on, written anew; inline files among them. Holds key material: a secret. */
  readonly lines: readonly string[];
}

/** What is wrong with a profile, with the line (from 1) where there is one. Never quotes what may be key material. */
export interface ProfileFinding {
  readonly line?: number;
  readonly problem: string;
  readonly mend: string;
}

/** A profile as read. It is usable only when `findings` is empty; `warnings` say what weakens it or will end its use. */
export interface ReadProfile<Profile> extends Verdict {
  readonly profile: Profile;
}

/** A warning when every remote is a name: the host looks names up before each start of the client, and may have no answer. */
export function namesOnly(remotes: readonly Remote[], line: number | undefined, mend: string): ProfileFinding[] {
  if (remotes.length === 0 || remotes.some(({ host }) => isAddress(host))) return [];
  const problem = "the provider is known by name only, so that the exit cannot start while the host's DNS fails";
  return [{ ...(line !== undefined && { line }), problem, mend }];
}

const again = "download the provider's profile again";

/** Bytes of an option's line that OpenVPN reads; it stops at a longer one (OPTION_LINE_SIZE in its options.h, with the line's end). */
const LONGEST_LINE = 254;

/**
 * Splits a line as OpenVPN does (parse_line in its options_parse.c): blanks part words, quotes at a word's beginning hold it together,
 * # and ; at a word's beginning start a comment.
 * @returns undefined when OpenVPN would stop at the line, or when it holds a backslash, which OpenVPN reads as an escape
 */
function words(line: string): string[] | undefined {
  const found: string[] = [];
  const word = /[ \t]*(?:"([^"\\]*)"|'([^'\\]*)'|([^ \t"'#;\\][^ \t\\]*)(?![^ \t])|([#;].*)|$)/y;
  while (word.lastIndex < line.length) {
    const match = word.exec(line);
    if (!match) return undefined;
    const text = match[1] ?? match[2] ?? match[3];
    if (text === undefined) break;
    found.push(text);
  }
  return found;
}

/** Writes a word so that OpenVPN reads the same one, whatever stands in it. */
const written = (word: string): string => (/^[\w.:=,+/@!-]+$/.test(word) ? word : `"${word.replaceAll('"', '\\"')}"`);

function readRemote(host: string, port: string, protocol: string): Remote | undefined {
  const spoken = /^(udp|tcp)4?(?:-client)?$/.exec(protocol)?.[1];
  if (!isHost(host) || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65535 || spoken === undefined) return undefined;
  return { host, port: Number(port), protocol: spoken === "tcp" ? "tcp" : "udp" };
}

/** What `remote` lines leave open, at the top or of one <connection>. */
interface Scope {
  readonly line: number;
  port?: string;
  protocol?: string;
}

/**
 * Reads a provider's .ovpn file. Nothing is passed on as it stood: each line is written anew from the words read, so that OpenVPN
 * cannot understand it in another way than this did.
 * @param now when its certificates must be valid
 * @returns what the gateway uses of it, and everything that is wrong with it
 */
export function parseProfile(text: string, now: Date): ReadProfile<OpenVpnProfile> {
  const findings: ProfileFinding[] = [];
  const lines: string[] = [];
  const remotes: { line: number; parts: readonly string[]; scope: Scope }[] = [];
  const top: Scope = { line: 1 };
  const within: { connection?: Scope; inline?: InlineFile & { rows: string[]; known: boolean } } = {};
  const files: InlineFile[] = [];
  /** Every option that is passed on, blocks among them. */
  const stated: (readonly string[])[] = [];
  let wantsCredentials = false;
  const find = (line: number, problem: string, mend: string) => void findings.push({ line, problem, mend });

  const open = (name: string, line: number) => {
    if (name === "connection" && !within.connection) {
      within.connection = { line };
      return;
    }
    const known = inlineOptions.has(name) && !within.connection;
    within.inline = { name, line, known, rows: [] };
    if (known) {
      lines.push(`<${name}>`);
      files.push(within.inline);
      stated.push([name]);
    } else if (name === "auth-user-pass")
      find(line, "a block holds the credentials", "take it out and set them as the stack's secret `credentials`");
    else find(line, "a block opens that no client's profile has there", "take the block out");
  };

  const inlineLine = (raw: string, line: number, { name, known, rows }: NonNullable<typeof within.inline>) => {
    // OpenVPN ends the block at any line that begins so, and reads a long line in pieces, each of which may begin so.
    const closed = raw.trimStart().startsWith(`</${name}>`);
    if (closed) within.inline = undefined;
    else rows.push(raw);
    if (known && !closed && raw.includes("<"))
      find(line, "an inline file holds a <", "leave nothing but the key or certificate in the block");
    else if (known) lines.push(closed ? `</${name}>` : raw);
  };

  const write = (words: readonly string[], line: number) => {
    const whole = words.map(written).join(" ");
    if (Buffer.byteLength(whole) > LONGEST_LINE)
      find(line, `the line is longer than the ${LONGEST_LINE} bytes OpenVPN reads`, "shorten it");
    else lines.push(whole);
  };

  const pass = (parts: readonly string[], option: string, line: number) => {
    const meant = [option, ...parts.slice(1)];
    if (parts[1] !== "[inline]") stated.push(meant);
    if (within.connection) find(line, `\`${option}\` stands inside <connection>`, "move it out of the block");
    else if (fileOptions.has(option) && parts[1] === "[inline]") {
      // The file follows as a block; the direction of tls-auth would be lost with this line.
      if (option === "tls-auth" && parts[2] !== undefined) write(["key-direction", parts[2]], line);
    } else if (fileOptions.has(option))
      find(line, `\`${option}\` names a file`, `put its content inline, between <${option}> and </${option}>`);
    else write(meant, line);
  };

  const optionLine = (parts: readonly string[], line: number) => {
    const option = (parts[0] ?? "").replace(/^--(?=.)/, "");
    const block = parts.length === 1 ? /^<(.*)>$/.exec(option)?.[1] : undefined;
    const scope = within.connection ?? top;
    if (within.connection && option.startsWith("</connection>")) within.connection = undefined;
    else if (block !== undefined) open(block, line);
    else if (option === "remote") remotes.push({ line, parts, scope });
    else if (option === "proto") scope.protocol = parts[1] ?? "";
    else if (option === "port" || option === "rport") scope.port = parts[1] ?? "";
    else if (option === "auth-user-pass") wantsCredentials = true;
    else if (/^dev(-type)?$/.test(option) && /^tap/.test(parts[1] ?? ""))
      find(line, "`dev tap` bridges Ethernet; a gateway routes", "ask the provider for a `dev tun` profile");
    else if (/^(up|down)$/.test(option) && parts.length === 2 && resolverScripts.has(parts[1] ?? "")) return;
    else if (refused.has(option))
      find(line, `\`${option}\` runs a script or a plugin, or reads other files, on the gateway`, "take the line out");
    else if (rejected.has(option))
      find(
        line,
        `\`${option}\` is an option that OpenVPN 2.6 rejects`,
        "take the line out, or ask the provider for a newer profile",
      );
    else if (passed.has(option)) pass(parts, option, line);
    else if (!replaced.has(option))
      find(
        line,
        "an option stands that is not known to be safe in a provider's profile",
        "take the line out if the provider works without it",
      );
  };

  const rows = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  rows.forEach((raw, index) => {
    const line = index + 1;
    // eslint-disable-next-line no-control-regex -- these are what it looks for
    if (/[\0-\x08\x0b-\x1f\x7f]/.test(raw)) find(line, "a control character stands in the line", again);
    else if (within.inline) inlineLine(raw, line, within.inline);
    else {
      const parts = words(raw);
      if (!parts) find(line, "a backslash, or a quote that is not closed, stands in the line", "write it without");
      else if (parts.length > 0) optionLine(parts, line);
    }
  });
  const unclosed = within.inline ?? within.connection;
  if (unclosed) find(unclosed.line, "a block begins that is never closed", "close it, as in </ca>");

  const sound = remotes.flatMap(({ line, parts: [, host = "", port, protocol], scope }) => {
    const remote = readRemote(
      host,
      port ?? scope.port ?? top.port ?? "1194",
      protocol ?? scope.protocol ?? top.protocol ?? "udp",
    );
    if (!remote) find(line, "the remote is not `remote HOST PORT udp|tcp` over IPv4", "write it so");
    return remote ?? [];
  });
  if (text.trim() === "") findings.push({ problem: "the file is empty", mend: again });
  else if (remotes.length === 0) findings.push({ problem: "no `remote` line names the provider", mend: again });

  const whole = files.filter((file) => file !== unclosed);
  const verdicts = text.trim() === "" ? [] : [checkCertificates(whole, now), checkServerProof(stated)];
  const addressToo = `add a line \`remote ADDRESS ${sound[0]?.port} ${sound[0]?.protocol}\` with an address the provider names`;
  return {
    profile: { kind: "openvpn", remotes: sound, wantsCredentials, lines },
    findings: [...findings, ...verdicts.flatMap((verdict) => verdict.findings)],
    warnings: [...namesOnly(sound, remotes[0]?.line, addressToo), ...verdicts.flatMap((verdict) => verdict.warnings)],
  };
}
