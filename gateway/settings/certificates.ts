import { X509Certificate } from "node:crypto";
import { weakDigest } from "./der";
import { lastOf, type Stated } from "./profileCiphers";
import { type InlineFile, type ProfileFinding, together, type Verdict } from "./profileParts";

const certificateBlocks: ReadonlySet<string> = new Set(["ca", "cert", "extra-certs"]);
const WARNING_DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;

/** RSA keys of fewer bits are below OpenSSL's security level 1, which OpenVPN sets (`ee key too small`). */
const SMALLEST_RSA = 1024;

const again = "download the provider's profile again";
const newer = "ask the provider for a profile with a newer certificate, if a new download gives this file again";

/** The certificates of a block with their first lines, cut as OpenSSL cuts them: text between them is none of its business. */
export function piecesOf({ line, rows }: InlineFile): { line: number; pem: string }[] {
  const begins = rows.flatMap((row, index) =>
    /^-----BEGIN [A-Z0-9 ]{0,20}CERTIFICATE-----\s*$/.test(row) ? [index] : [],
  );
  return begins.map((begin, index) => ({
    line: line + 1 + begin,
    pem: rows.slice(begin, begins[index + 1]).join("\n"),
  }));
}

export function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** Whose a certificate is, in one short line whatever stands in it. */
function subjectOf({ subject }: X509Certificate): string {
  const rows = (subject as string | undefined)?.split("\n") ?? [];
  const text = (rows.find((row) => row.startsWith("CN=")) ?? rows[0] ?? "").replace(/\p{C}/gu, "?");
  return text === "" ? "no name" : text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

const day = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** A certificate of a block, or what is wrong with its text. */
interface Read {
  readonly line: number;
  /** As messages name it. */
  readonly which: string;
  readonly certificate: X509Certificate;
}

/** What time makes of one certificate: why it is not valid, or that it will soon not be. */
function aged({ certificate, which, line }: Read, now: number): { invalid?: ProfileFinding; soon?: ProfileFinding } {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (Number.isNaN(from) || Number.isNaN(to))
    return { invalid: { line, problem: `${which} does not say how long it is valid`, mend: again } };
  if (now > to) return { invalid: { line, problem: `${which} expired on ${day(to)}`, mend: newer } };
  if (now < from) {
    const mend = `wait until then, or set this machine's clock, which says ${day(now)}`;
    return { invalid: { line, problem: `${which} is not valid before ${day(from)}`, mend } };
  }
  if (to - now < WARNING_DAYS * DAY) {
    const mend = `${again} before then: the provider has a newer one`;
    return { soon: { line, problem: `${which} expires on ${day(to)}`, mend } };
  }
  return {};
}

/**
 * What OpenSSL's security level makes of a certificate. A root's own signature is not checked. Where the profile lowers the level itself,
 * nothing is said.
 */
function weakness({ certificate, which, line }: Read, name: string): Partial<Verdict> {
  const digest = weakDigest(certificate.raw);
  const bits = certificate.publicKey.asymmetricKeyDetails?.modulusLength;
  const own = name !== "ca";
  const small = bits !== undefined && bits < SMALLEST_RSA ? `has an RSA key of ${bits} bits` : undefined;
  const signed =
    digest !== undefined && certificate.issuer !== certificate.subject ? `is signed with ${digest}` : undefined;
  const what = signed ?? small;
  if (what === undefined) return {};
  const problem = own
    ? `${which} ${what}: OpenVPN of Debian 12 does not start with it (\`md too weak\`, \`key too small\`), and servers of today refuse it`
    : `${which} ${what}: OpenVPN refuses servers whose certificates it signed (\`too weak\`)`;
  const mend =
    "ask the provider for a newer profile; if there is none, add the line `tls-cert-profile insecure`, which takes weak certificates";
  return own ? { findings: [{ line, problem, mend }] } : { warnings: [{ line, problem, mend }] };
}

/** Whether the profile itself lowers OpenSSL's security level to 0. */
const takesWeak = (stated: readonly Stated[]): boolean =>
  lastOf(stated, "tls-cert-profile")?.[1] === "insecure" || /@SECLEVEL=0/.test(lastOf(stated, "tls-cipher")?.[1] ?? "");

/**
 * One block's certificates. Of authorities one that is valid is enough: when a provider changes its authority, its files hold the old one
 * beside the new one. Of the customer's own certificates the first one is shown to the server.
 */
function checkBlock(file: InlineFile, stated: readonly Stated[], now: number): Partial<Verdict>[] {
  const where = `<${file.name}>`;
  const pieces = piecesOf(file);
  if (pieces.length === 0)
    return [{ findings: [{ line: file.line, problem: `no certificate stands in ${where}`, mend: again }] }];
  const read = pieces.map(({ line, pem }) => ({ line, certificate: readCertificate(pem) }));
  const unreadable = read
    .filter(({ certificate }) => certificate === undefined)
    .map(({ line }) => ({ line, problem: `a certificate in ${where} cannot be read`, mend: again }));
  const certificates = read.flatMap(({ line, certificate }): Read[] =>
    certificate ? [{ line, certificate, which: `the certificate of ${subjectOf(certificate)} in ${where}` }] : [],
  );
  const ages = certificates.map((one) => aged(one, now));
  const invalid = ages.flatMap((age) => age.invalid ?? []);
  const enough = file.name === "cert" ? ages[0]?.invalid === undefined : invalid.length < ages.length;
  const spare = invalid.map((one) => ({ ...one, problem: `${one.problem}; others in the block take its place` }));
  return [
    { findings: unreadable },
    enough ? { warnings: spare } : { findings: invalid },
    { warnings: ages.flatMap((age) => age.soon ?? []) },
    ...(takesWeak(stated) ? [] : certificates.map((one) => weakness(one, file.name))),
  ];
}

/**
 * Reads the certificates that stand inline in a profile, whatever stands in other blocks.
 * @param stated the profile's options with their parameters
 * @param now what the time is taken to be
 */
export function checkCertificates(files: readonly InlineFile[], stated: readonly Stated[], now: Date): Verdict {
  const blocks = files.filter(({ name }) => certificateBlocks.has(name));
  return together(blocks.flatMap((file) => checkBlock(file, stated, now.getTime())));
}

/**
 * Whether the client will know the provider's server from somebody else's.
 * @param stated the profile's options with their parameters; blocks count as options
 */
export function checkServerProof(stated: readonly Stated[]): Verdict {
  const has = (name: string, value?: string) =>
    stated.some(([option, parameter]) => option === name && (value === undefined || parameter === value));
  // OpenVPN takes the authority out of a PKCS#12 file as well (check_ca_required in its options.c).
  if (!has("ca") && !has("pkcs12") && !has("peer-fingerprint")) {
    const problem = "nothing tells the provider's server from another: there is no <ca> and no `peer-fingerprint`";
    return {
      findings: [
        {
          problem,
          mend: "put the provider's certificate, which it offers beside its profiles, between <ca> and </ca>",
        },
      ],
      warnings: [],
    };
  }
  const proved =
    has("peer-fingerprint") ||
    has("verify-x509-name") ||
    has("remote-cert-tls", "server") ||
    has("remote-cert-eku") ||
    has("ns-cert-type", "server");
  if (proved) return { findings: [], warnings: [] };
  const problem =
    "nothing says that the certificate shown must be a server's: any customer of the provider with a certificate of its own " +
    "could pose as its server";
  const mend =
    "add `remote-cert-tls server`, or `verify-x509-name` with the server's name, if the provider's servers pass it";
  return { findings: [], warnings: [{ problem, mend }] };
}
