/** One element of DER: its content, and where the next one begins. */
interface Element {
  readonly content: Buffer;
  readonly end: number;
}

/** @returns the element at `at`, or undefined where there is no whole one */
function elementAt(der: Buffer, at: number): Element | undefined {
  const length = der[at + 1];
  if (length === undefined) return undefined;
  const more = length & 0x80 ? length & 0x7f : 0;
  if (more > 4 || at + 2 + more > der.length) return undefined;
  const begin = at + 2 + more;
  const end = begin + (more === 0 ? length : der.readUIntBE(at + 2, more));
  return end > der.length ? undefined : { content: der.subarray(begin, end), end };
}

/** The object identifiers of signatures with a digest that OpenSSL 3 refuses at OpenVPN's security level (1), as hexadecimal digits. */
const weak: ReadonlyMap<string, string> = new Map([
  ["2a864886f70d010102", "MD2"],
  ["2a864886f70d010103", "MD4"],
  ["2a864886f70d010104", "MD5"],
  ["2a864886f70d010105", "SHA-1"],
  ["2b0e03021d", "SHA-1"],
  ["2a8648ce380403", "SHA-1"],
  ["2a8648ce3d0401", "SHA-1"],
]);

/**
 * The digest that a certificate is signed with, where it is a weak one. node:crypto tells it from version 24 on only.
 * @param der a certificate (RFC 5280: a sequence of what is signed, the algorithm, and the signature)
 */
export function weakDigest(der: Buffer): string | undefined {
  const certificate = elementAt(der, 0)?.content;
  const signed = certificate && elementAt(certificate, 0);
  const algorithm = certificate && signed && elementAt(certificate, signed.end);
  const identifier = algorithm && elementAt(algorithm.content, 0);
  return identifier && weak.get(identifier.content.toString("hex"));
}
