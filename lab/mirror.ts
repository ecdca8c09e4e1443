import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

const fallback = "http://deb.debian.org/debian";

/**
 * The Debian mirror this machine is configured to use, from its apt sources in either format;
 * deb.debian.org where it has none (on another distribution).
 * @param etcApt apt's configuration folder
 */
export function debianMirror(etcApt = "/etc/apt"): string {
  const files = [join(etcApt, "sources.list"), ...list(join(etcApt, "sources.list.d"))];
  for (const file of files) {
    const uris = file.endsWith(".sources") ? deb822(read(file)) : oneLine(read(file));
    const mirror = uris.map((uri) => resolveMirrorList(uri)).find((uri) => /^https?:\/\/.*\/debian\/?$/.test(uri));
    if (mirror) return mirror.replace(/\/$/, "");
  }
  return fallback;
}

/** The URIs of the enabled binary sources of a deb822 file. */
function deb822(text: string): string[] {
  const stanzas = text.replace(/^#.*\n/gm, "").split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const field = (name: string): string =>
      new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, "im").exec(stanza)?.[1]?.trim() ?? "";
    const enabled = !/^(no|false|0|off|disable)$/i.test(field("Enabled"));
    return enabled && field("Types").split(/\s+/).includes("deb") ? field("URIs").split(/\s+/).filter(Boolean) : [];
  });
}

/** The URIs of the binary sources of a one-line-style file. */
function oneLine(text: string): string[] {
  return [...text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)/gm)].map((match) => match[1]!);
}

/** Cloud images name a file that holds the mirrors: `mirror+file:///etc/apt/mirrors/debian.list`. */
function resolveMirrorList(uri: string): string {
  const path = /^mirror\+file:\/*(\/.*)$/.exec(uri)?.[1];
  return path ? (read(path).split(/\s/)[0] ?? "") : uri;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.(list|sources)$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
