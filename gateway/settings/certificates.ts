import { X509Certificate } from "node:crypto";
import type { ProfileFinding } from "./profile";

/** A file that stands as a block in a profile. */
export interface InlineFile {
  /** The block's name, such as `ca`. */
  readonly name: string;
  /** The line that opens the block, from 1; its rows follow. */
  readonly line: number;
  readonly rows: readonly string[];
}

/** What stops a profile from being used, and what it can be used in spite of. */
export interface Verdict {
  readonly findings: readonly ProfileFinding[];
  readonly warnings: readonly ProfileFinding[];
}

const certificateBlocks: ReadonlySet<string> = new Set(["ca", "cert", "extra-certs"]);
const WARNING_DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;

const again = "download the provider's profile again";

/** The certificates of a block with their first lines, cut as OpenSSL cuts them: text between them is none of its business. */
function piecesOf({ line, rows }: InlineFile): { line: number; pem: string }[] {
  const begins = rows.flatMap((row, index) => (/^-----BEGIN [A-Z0-9 ]*CERTIFICATE-----\s*$/.test(row) ? [index] : []));
  return begins.map((begin, index) => ({
    line: line + 1 + begin,
    pem: rows.slice(begin, begins[index + 1]).join("\n"),
  }));
}

function readCertificate(pem: string): X509Certificate | undefined {
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

/** What time makes of one certificate. */
function aged(certificate: X509Certificate, where: string, line: number, now: number): Partial<Verdict> {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const which = `the certificate of ${subjectOf(certificate)} in ${where}`;
  if (Number.isNaN(from) || Number.isNaN(to))
    return { findings: [{ line, problem: `${which} does not say how long it is valid`, mend: again }] };
  if (now > to) {
    const mend = `${again}; where others in the block take its place, take this one out`;
    return { findings: [{ line, problem: `${which} expired on ${day(to)}`, mend }] };
  }
  if (now < from) {
    const mend = `wait until then, or set this machine's clock, which says ${day(now)}`;
    return { findings: [{ line, problem: `${which} is not valid before ${day(from)}`, mend }] };
  }
  if (to - now < WARNING_DAYS * DAY) {
    const mend = `${again} before then: the provider has a newer one`;
    return { warnings: [{ line, problem: `${which} expires on ${day(to)}`, mend }] };
  }
  return {};
}

/**
 * Reads the certificates that stand inline in a profile, whatever stands in other blocks.
 * @param now what the time is taken to be
 */
export function checkCertificates(files: readonly InlineFile[], now: Date): Verdict {
  const verdicts = files
    .filter(({ name }) => certificateBlocks.has(name))
    .flatMap((file): Partial<Verdict>[] => {
      const where = `<${file.name}>`;
      const pieces = piecesOf(file);
      if (pieces.length === 0)
        return [{ findings: [{ line: file.line, problem: `no certificate stands in ${where}`, mend: again }] }];
      return pieces.map(({ line, pem }) => {
        const certificate = readCertificate(pem);
        if (certificate) return aged(certificate, where, line, now.getTime());
        return { findings: [{ line, problem: `a certificate in ${where} cannot be read`, mend: again }] };
      });
    });
  return {
    findings: verdicts.flatMap(({ findings = [] }) => findings),
    warnings: verdicts.flatMap(({ warnings = [] }) => warnings),
  };
}

/**
 * Whether the client will know the provider's server from somebody else's.
 * @param stated the profile's options with their parameters; blocks count as options
 */
export function checkServerProof(stated: readonly (readonly string[])[]): Verdict {
  const has = (name: string, value?: string) =>
    stated.some(([option, parameter]) => option === name && (value === undefined || parameter === value));
  // OpenVPN takes the authority out of a PKCS#12 file as well (check_ca_required in its options.c).
  if (!has("ca") && !has("pkcs12") && !has("peer-fingerprint")) {
    const problem = "nothing tells the provider's server from another: there is no <ca> and no `peer-fingerprint`";
    return {
      findings: [{ problem, mend: `${again}, or put the provider's certificate between <ca> and </ca>` }],
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
