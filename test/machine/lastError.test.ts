import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { python } from "./python";

const lastError = (log: string): string | null => python("import logs\nresult = logs.last_error(data)", log);

/** Logs of OpenVPN itself, one a failure, in a folder named for the version (Debian 12's is 2.6.14 with OpenSSL 3.0). */
const folder = join(__dirname, "logs");
const logs = readdirSync(folder).flatMap((version) =>
  readdirSync(join(folder, version)).map((name) => ({ version, name: name.replace(/\.log$/, "") })),
);

/** What the status shall say of each. */
const expected: Readonly<Record<string, string>> = {
  auth_bad: "Message hash algorithm 'NOSUCH' not found",
  bad_password: "AUTH: Received control message: AUTH_FAILED",
  bf_fallback: "Cipher BF-CBC not supported",
  c_md5: "ca md too weak",
  c_sha1: "ca md too weak",
  ca_wrong: "VERIFY ERROR: depth=1, error=self-signed certificate",
  dies: "read UDPv4 [ECONNREFUSED]: Connection refused",
  enc_key: "can't ask for 'Enter Private Key Password:'",
  eperm_udp: "write UDPv4 []: Operation not permitted",
  frag_tcp: "Options error: --fragment can only be used with --proto udp",
  keydir: "Options error: Unknown key direction '3'",
  name_wrong: "VERIFY X509NAME ERROR: ",
  no_password_file: "Options error: --auth-user-pass fails with '/nonexistent'",
  no_shared_cipher: "AUTH_FAILED,Data channel cipher negotiation failed (no shared cipher)",
  options_error: "Options error: Unrecognized option or missing or extra parameter(s)",
  push_comp: "OPTIONS ERROR: server pushed compression settings that are not allowed",
  refused_tcp: "TCP: connect to [AF_INET]198.18.9.1:1195 failed: Connection refused",
  refused_udp: "read UDPv4 [ECONNREFUSED]: Connection refused",
  silent_tcp: "TCP: connect to [AF_INET]198.18.9.77:443 failed: ",
  ta_few: "Insufficient key material or header text not found",
  ta_noend: "Footer text not found",
  ta_short: "Non-Hex, unprintable character (0x00) found at line 11 in key file",
  ta_want: "TLS Error: cannot locate HMAC in incoming packet",
  ta_wrong: "Server poll timeout, restarting",
  tun_busy: "ERROR: Cannot open TUN/TAP dev /nonexistent",
  unreach_tcp: "failed: Network is unreachable",
  unreach_udp: "write UDPv4 []: Network is unreachable",
  up_fails: "WARNING: Failed running command (--up/--down)",
  up_script: "tun-up.sh: the provider gave the tunnel the address 10.8.0.",
  wrong_key: "key values mismatch",
};
/** A neighbour's router may have said that nobody is there, or nobody anything. */
const silent = /^Server poll timeout, restarting$|No route to host/;

describe("the last error of a tunnel, from OpenVPN's own logs:", () => {
  it.each(logs)("$name by $version", ({ version, name }) => {
    const found = lastError(readFileSync(join(folder, version, `${name}.log`), "utf8"));
    if (name === "cipher_list") expect(found).toBe(null);
    else if (name === "silent") expect(found).toMatch(silent);
    else expect(found).toContain(expected[name] ?? "no line of `expected`");
  });

  test("each failure was seen with 2.6 and 2.7", () => {
    const seen = (version: RegExp) => new Set(logs.filter((log) => version.test(log.version)).map(({ name }) => name));
    expect(Object.keys(expected).filter((name) => !seen(/^2\.6/).has(name))).toEqual([]);
    // 2.7 is Debian 13's, whose OpenSSL leaves weak certificates to the server.
    expect(Object.keys(expected).filter((name) => !seen(/^2\.7/).has(name))).toEqual(["c_md5", "c_sha1"]);
  });
});

test.each(logs)(
  "the time before each line changes nothing but the answer's own: $name by $version",
  ({ version, name }) => {
    const log = readFileSync(join(folder, version, `${name}.log`), "utf8");
    const stamp = "2026-11-29 10:22:06 ";
    const bare = lastError(log);
    expect(lastError(log.replace(/^(?=.)/gm, stamp))).toBe(bare === null ? null : stamp + bare);
  },
);

describe("the last error of a tunnel", () => {
  const start = "TCP/UDP: Preserving recently used remote address: [AF_INET]203.0.113.20:1194\n";
  it.each<[string, string, string | null]>([
    ["is none in an empty log", "", null],
    ["is the first of an attempt, for the others follow from it", "TLS Error: a\nTLS Error: b\n", "TLS Error: a"],
    ["is the last attempt's", `TLS Error: a\n${start}TLS Error: b\n`, "TLS Error: b"],
    ["stays while the next attempt goes on", `TLS Error: a\n${start}UDPv4 link local: (not bound)\n`, "TLS Error: a"],
    ["is what says most", "read UDPv4 [ECONNREFUSED]: Connection refused\nAUTH_FAILED\nTLS Error: a\n", "AUTH_FAILED"],
    ["is forgotten when it is up", "TLS Error: a\nInitialization Sequence Completed\n", null],
    ["is forgotten when WireGuard is set up", "Cannot find\ntunnel to 1.2.3.4:5 is set up\n", null],
    [
      "is that it ended, where nothing else was said",
      "OpenVPN 2.6\nExiting due to fatal error\n",
      "Exiting due to fatal error",
    ],
    [
      "is no note about an option",
      "Note: --cipher is not set. OpenVPN versions before 2.5 defaulted to BF-CBC as fallback when cipher negotiation failed\n",
      null,
    ],
    [
      "is no note about an old option",
      "DEPRECATED OPTION: --cipher set to 'AES-256-CBC' but missing in --data-ciphers (AES-256-GCM). Cannot be used\n",
      null,
    ],
    [
      "is a name that DNS does not know",
      "exit-remotes.sh: none of the provider's names is known to DNS: vpn.example.com\n",
      "exit-remotes.sh: none of the provider's names is known to DNS: vpn.example.com",
    ],
    [
      "comes after it was up",
      "Initialization Sequence Completed\n[server] Inactivity timeout (--ping-restart), restarting\n",
      "[server] Inactivity timeout (--ping-restart), restarting",
    ],
  ])("%s", (_, log, error) => {
    expect(lastError(log)).toBe(error);
  });
});
