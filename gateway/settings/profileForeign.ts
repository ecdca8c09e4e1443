import type { ProfileFinding } from "./profileParts";

/** A file larger than this is no provider's profile. The largest of 7,310 real ones, with its list of revoked certificates, had 130 KB. */
const LARGEST = 1024 * 1024;

const again = "download the provider's profile again";

/** Whether most of a text's beginning is characters, each with a zero byte beside it. */
function isUtf16(text: string): boolean {
  const start = text.slice(0, 1000);
  const zeros = start.split("\0").length - 1;
  return zeros > start.length / 4;
}

/**
 * What a file is when it is no profile of any kind: said once, in the place of a finding for each of its lines.
 * @param text the file, read as UTF-8
 */
export function notAProfile(text: string): ProfileFinding | undefined {
  if (text.length > LARGEST) return { problem: `the file is larger than ${LARGEST} bytes`, mend: again };
  if (text.trim() === "") return { problem: "the file is empty", mend: again };
  if (text.startsWith("PK\x03") || text.startsWith("PK\x05"))
    return { problem: "the file is a zip archive", mend: "unpack it, and name a file of it" };
  if (isUtf16(text))
    return { problem: "the file is UTF-16 text", mend: "save it as UTF-8, as by `iconv -f UTF-16 -t UTF-8`" };
  if (/^\uFEFF?\s{0,99}<(!doctype|html|\?xml)\b/i.test(text))
    return {
      problem: "the file is a web page",
      mend: "log in to the provider's site, and download the profile itself",
    };
  if (/\uFFFD/.test(text.slice(0, 4))) return { problem: "the file is no text", mend: again };
  return undefined;
}

/** For which `kind` a file was written, where that is plain. */
export function kindOf(text: string): "openvpn" | "wireguard" | undefined {
  const wireguard = /^[ \t]{0,99}\[(Interface|Peer)\]/im.test(text);
  const openvpn = /^[ \t]{0,99}(--)?(client|remote[ \t]|<ca>)/m.test(text);
  return wireguard === openvpn ? undefined : wireguard ? "wireguard" : "openvpn";
}
