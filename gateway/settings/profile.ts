/** Where a provider listens; one `remote` line of its profile. */
export interface Remote {
  /** DNS name or IPv4 address. */
  readonly host: string;
  /** 1..65535; OpenVPN's default is 1194. */
  readonly port: number;
  readonly protocol: "udp" | "tcp";
}

/** What the gateway takes from a provider's .ovpn file. */
export interface ProviderProfile {
  readonly remotes: readonly Remote[];
  /** The profile asks for a user name and a password. */
  readonly wantsCredentials: boolean;
  /** The lines that are passed on as they are, inline files among them. Holds key material: a secret. */
  readonly lines: readonly string[];
}

/** What is wrong with a profile, with the line (from 1) where there is one. */
export interface ProfileFinding {
  readonly line?: number;
  readonly problem: string;
  readonly mend: string;
}

/** Runs programs or loads code: refused, since the profile comes from outside and OpenVPN runs with privileges (`man 8 openvpn`, Scripting). */
const refused = new Set(
  `up down route-up route-pre-down ipchange tls-verify auth-user-pass-verify client-connect client-disconnect learn-address
   client-crresponse tls-crypt-v2-verify plugin iproute management config cd chroot setenv-safe askpass pkcs11-providers engine`.split(/\s+/),
);

/** Gone from OpenVPN 2.6, which stops at them (its Changes.rst and `man 8 openvpn`). */
const removed = new Set("keysize ns-cert-type key-method ncp-disable no-replay no-iv tls-remote max-routes".split(" "));

/** Decided by the gateway itself: silently replaced by its own line, or of no use in a namespace. */
const replaced = new Set(
  `remote proto port rport lport nobind bind local dev dev-type dev-node client auth-user-pass auth-retry auth-nocache script-security redirect-gateway
   redirect-private dhcp-option dns block-outside-dns block-ipv6 route route-ipv6 route-delay route-method route-metric route-gateway
   route-noexec route-nopull ifconfig-ipv6 pull-filter register-dns resolv-retry persist-tun persist-key connect-retry connect-retry-max
   server-poll-timeout connect-timeout remote-random remote-random-hostname verb mute log log-append syslog status daemon user group
   writepid ping ping-restart ping-exit keepalive mssfix tun-mtu link-mtu fragment tun-mtu-extra explicit-exit-notify fast-io nice
   up-delay up-restart down-pre machine-readable-output suppress-timestamps setenv push-peer-info windows-driver disable-dco mute-replay-warnings
   float explicit-exit-notify txqueuelen mlock rcvbuf sndbuf`.split(/\s+/),
);

/** Says how to speak to the provider: passed on. */
const passed = new Set(
  `tls-client pull ca cert key pkcs12 extra-certs tls-auth tls-crypt tls-crypt-v2 key-direction cipher data-ciphers data-ciphers-fallback ncp-ciphers
   auth tls-cipher tls-ciphersuites tls-groups ecdh-curve tls-version-min tls-version-max tls-cert-profile remote-cert-tls remote-cert-ku remote-cert-eku
   verify-x509-name x509-username-field verify-hash peer-fingerprint crl-verify comp-lzo compress allow-compression comp-noadapt reneg-sec reneg-bytes reneg-pkts tran-window
   tls-timeout hand-window tls-exit replay-window mtu-disc sockflags socket-flags keying-material-exporter allow-pull-fqdn`.split(/\s+/),
);

/** Options whose argument is a file; the gateway has no such file, so it must stand inline. */
const files = new Set("ca cert key pkcs12 extra-certs tls-auth tls-crypt tls-crypt-v2 crl-verify peer-fingerprint".split(" "));

function isRemote(host: string, port: number): boolean {
  return /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(host) && Number.isInteger(port) && port >= 1 && port <= 65535;
}

/** Splits a line as OpenVPN does: blanks part words, quotes hold them together, # and ; begin a comment at the line's start or after a blank. */
function words(line: string): string[] {
  const found = line.match(/"[^"]*"|'[^']*'|[^\s]+/g) ?? [];
  const comment = found.findIndex((word) => /^[#;]/.test(word));
  return (comment < 0 ? found : found.slice(0, comment)).map((word) => word.replace(/^(["'])(.*)\1$/, "$2"));
}

/**
 * Reads a provider's .ovpn file.
 * @returns what the gateway uses of it, and everything that is wrong with it; it is usable only when `findings` is empty
 */
export function parseProfile(text: string): { profile: ProviderProfile; findings: ProfileFinding[] } {
  const findings: ProfileFinding[] = [];
  const lines: string[] = [];
  const remotes: { host: string; port?: number; protocol?: string; line: number }[] = [];
  let protocol = "udp";
  let port = 1194;
  let wantsCredentials = false;
  let block: { name: string; line: number } | undefined;

  const remote = (parts: string[], line: number) =>
    remotes.push({ host: parts[1] ?? "", port: parts[2] === undefined ? undefined : Number(parts[2]), protocol: parts[3], line });

  text.split(/\r?\n/).forEach((raw, index) => {
    const line = index + 1;
    const opened = /^\s*<([a-z0-9-]+)>\s*$/.exec(raw)?.[1];
    if (block) {
      const closed = /^\s*<\/([a-z0-9-]+)>\s*$/.exec(raw)?.[1] === block.name;
      if (block.name !== "connection") lines.push(raw);
      else if (/^\s*remote\s/.test(raw)) remote(words(raw), line);
      if (closed) block = undefined;
      return;
    }
    if (opened !== undefined) {
      block = { name: opened, line };
      if (opened === "connection") return;
      if (opened === "auth-user-pass")
        findings.push({ line, problem: "holds the credentials themselves", mend: "take the block out and set them as the stack's secret `credentials`" });
      else if (!files.has(opened)) findings.push({ line, problem: `<${opened}> is no inline file that OpenVPN 2.6 knows`, mend: "take the block out" });
      lines.push(raw);
      return;
    }
    const parts = words(raw);
    const option = parts[0]?.replace(/^--/, "");
    if (option === undefined) return;
    if (option === "remote") remote(parts, line);
    else if (option === "proto") protocol = parts[1] ?? "";
    else if (option === "port" || option === "rport") port = Number(parts[1]);
    else if (option === "auth-user-pass") wantsCredentials = true;
    else if (option === "dev" && /^tap/.test(parts[1] ?? ""))
      findings.push({ line, problem: "`dev tap` bridges Ethernet; a gateway routes", mend: "ask the provider for a `dev tun` profile" });
    else if (refused.has(option))
      findings.push({ line, problem: `\`${option}\` runs a script or a plugin, or reads other files, on the gateway`, mend: "take the line out" });
    else if (removed.has(option))
      findings.push({ line, problem: `\`${option}\` is an option that OpenVPN 2.6 rejects`, mend: "take the line out, or ask the provider for a newer profile" });
    else if (passed.has(option)) {
      if (files.has(option) && parts[1] !== undefined && parts[1] !== "[inline]")
        findings.push({ line, problem: `\`${option}\` names a file`, mend: `put its content inline, between <${option}> and </${option}>` });
      else if (parts[1] !== "[inline]") lines.push(raw.trim());
    } else if (!replaced.has(option))
      findings.push({ line, problem: `\`${option}\` is not known to be safe in a provider's profile`, mend: "take the line out if the provider works without it" });
  });
  if (block) findings.push({ line: block.line, problem: `<${block.name}> is never closed`, mend: `end it with </${block.name}>` });

  const whole = remotes.map(({ line, ...given }): Remote => {
    const spoken = (given.protocol ?? protocol).replace(/-client$|4$|6$/g, "").replace(/-client$/, "");
    const result = { host: given.host, port: given.port ?? port, protocol: spoken === "tcp" ? ("tcp" as const) : ("udp" as const) };
    if (!isRemote(result.host, result.port) || !/^(udp|tcp)$/.test(spoken) || /6/.test(given.protocol ?? protocol))
      findings.push({ line, problem: "the remote is not `remote HOST PORT udp|tcp` over IPv4", mend: "write it so" });
    return result;
  });
  if (text.trim() === "") findings.push({ problem: "the file is empty", mend: "download the provider's profile again" });
  else if (whole.length === 0) findings.push({ problem: "no `remote` line names the provider", mend: "download the provider's profile again" });
  return { profile: { remotes: whole, wantsCredentials, lines }, findings };
}
