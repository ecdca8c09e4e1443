import { createPrivateKey, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import { piecesOf, readCertificate } from "./certificates";
import type { Stated } from "./profileCiphers";
import { type InlineFile, together, type Verdict } from "./profileParts";

const again = "download the provider's profile again, or copy the whole block from it";

/** Bytes of a static key, and the least of a tls-crypt-v2 one: the key, and what the server wrapped (`tls-crypt-v2.txt` of OpenVPN). */
const STATIC_KEY = 256;
const LEAST_WRAPPED = 290;

const finding = ({ line }: InlineFile, problem: string, mend: string): Partial<Verdict> => ({
  findings: [{ line, problem, mend }],
});

/** The lines between a PEM header and its end; undefined without the two. */
function between(rows: readonly string[], title: string): string[] | undefined {
  const trimmed = rows.map((row) => row.trim());
  const begin = trimmed.indexOf(`-----BEGIN ${title}-----`);
  const end = trimmed.indexOf(`-----END ${title}-----`, begin + 1);
  return begin < 0 || end < 0 ? undefined : trimmed.slice(begin + 1, end);
}

/** OpenVPN's static key: 256 bytes in hexadecimal digits (read_key_file in its crypto.c). */
function checkStaticKey(file: InlineFile): Partial<Verdict> {
  const digits = between(file.rows, "OpenVPN Static key V1")?.join("");
  if (digits !== undefined && digits.length === 2 * STATIC_KEY && /^[\da-f]*$/i.test(digits)) return {};
  return finding(
    file,
    `the key in <${file.name}> is not whole: 16 lines of 32 hexadecimal digits, and a line before and behind`,
    again,
  );
}

function checkWrappedKey(file: InlineFile): Partial<Verdict> {
  const bytes = Buffer.from(between(file.rows, "OpenVPN tls-crypt-v2 client key")?.join("") ?? "", "base64");
  // The last two bytes are the length of what the server wrapped.
  const wrapped = bytes.length - STATIC_KEY;
  if (wrapped >= LEAST_WRAPPED && bytes.readUInt16BE(bytes.length - 2) === wrapped) return {};
  return finding(file, `the key in <${file.name}> is not whole`, again);
}

/** A container of certificate and key. OpenVPN tries it without a password, then asks for one. */
function checkContainer(file: InlineFile): Partial<Verdict> {
  try {
    createSecureContext({ pfx: Buffer.from(file.rows.join(""), "base64"), passphrase: "" });
    return {};
  } catch (error) {
    const locked = /mac verify/i.test((error as Error).message);
    const mend =
      "write it anew without a password: `openssl pkcs12 -in OLD -nodes -out KEYS`, then <cert> and <key> of it";
    if (locked) return finding(file, "the file in <pkcs12> has a password, which nobody is there to type in", mend);
    return finding(
      file,
      "the file in <pkcs12> cannot be read",
      `${again}; where it is encrypted in an old manner: ${mend}`,
    );
  }
}

const ENCRYPTED = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** The customer's private key, and whether it belongs to the certificate beside it. */
function checkPrivateKey(file: InlineFile, certificates: InlineFile | undefined): Partial<Verdict> {
  const pem = file.rows.join("\n");
  if (ENCRYPTED.test(pem))
    return finding(
      file,
      "the private key in <key> is encrypted: OpenVPN asks for its password, which nobody is there to type in",
      "take the password off: `openssl pkey -in OLD -out NEW`, and put NEW between <key> and </key>",
    );
  const key = readKey(pem);
  if (!key) return finding(file, "the private key in <key> cannot be read", again);
  const [first] = certificates ? piecesOf(certificates) : [];
  const certificate = first && readCertificate(first.pem);
  if (!certificate || certificate.checkPrivateKey(key)) return {};
  return finding(file, "the private key in <key> does not belong to the first certificate in <cert>", again);
}

/**
 * Whether the client can say who it is. OpenVPN does not start without.
 * @param stated the profile's options; blocks count as options
 */
export function checkClientProof(stated: readonly Stated[]): Partial<Verdict> {
  const has = (name: string) => stated.some(([option]) => option === name);
  const [cert, key] = [has("cert"), has("key")];
  const lacks = (problem: string, mend: string): Partial<Verdict> => ({ findings: [{ problem, mend }] });
  if (cert && !key)
    return lacks(
      "there is a <cert> without a <key>",
      "put the private key that belongs to it between <key> and </key>",
    );
  if (key && !cert)
    return lacks(
      "there is a <key> without a <cert>",
      "put the certificate that belongs to it between <cert> and </cert>",
    );
  if (cert || has("pkcs12") || has("auth-user-pass")) return {};
  const problem =
    "nothing tells the provider who its customer is: there is no `auth-user-pass`, no <cert> with <key> and no <pkcs12>";
  return lacks(problem, "add the line `auth-user-pass` if the provider gave you a user name and a password");
}

/** Reads the keys that stand inline in a profile. OpenVPN does not start with one that is not whole. */
export function checkKeys(files: readonly InlineFile[]): Verdict {
  const certificates = files.find(({ name }) => name === "cert");
  return together(
    files.map((file): Partial<Verdict> => {
      if (file.name === "tls-auth" || file.name === "tls-crypt") return checkStaticKey(file);
      if (file.name === "tls-crypt-v2") return checkWrappedKey(file);
      if (file.name === "pkcs12") return checkContainer(file);
      return file.name === "key" ? checkPrivateKey(file, certificates) : {};
    }),
  );
}
