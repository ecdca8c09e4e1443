import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { firstOf } from "./firewalls";
import { until } from "./process";
import { ProviderServer } from "./provider";
import { statePath } from "./state";
import type { Credentials, OpenVpnProvider } from "./topology";

/**
 * A provider's OpenVPN server. `refuseCredentials` answers AUTH_FAILED to whoever logs in from then on; who is
 * connected stays so, until `fail` and `start`.
 */
export class OpenVpnServer extends ProviderServer<OpenVpnProvider> {
  protected override readonly program = "openvpn";
  protected override readonly profileName = "vpn.ovpn";

  /** What a customer gets with the profile; also as the file `credentials` (JSON) in `folder`. */
  get credentials(): Credentials {
    return this.provider.customer;
  }

  /**
   * Replaces lines of the server's configuration from its next start on, each by the option that it begins with, and adds what it has not.
   * @param lines none: the configuration as it was at first
   */
  configure(lines: readonly string[] = []): void {
    const option = (line: string): string => line.split(" ")[0] ?? "";
    const replaced = new Set(lines.map(option));
    const kept = serverConfiguration(this.provider, this.folder, this.log)
      .split("\n")
      .filter((line) => !replaced.has(option(line)));
    writeFileSync(join(this.folder, "server.conf"), [...kept, ...lines, ""].join("\n"));
  }

  protected override async serve(): Promise<void> {
    writeFileSync(this.log, "");
    const service = this.host.spawn(["openvpn", "--config", join(this.folder, "server.conf")]);
    await until(`${this.host.name}: OpenVPN serves`, 10_000, () => {
      if (!service.running) throw new Error(readFileSync(this.log, "utf8"));
      return readFileSync(this.log, "utf8").includes("Initialization Sequence Completed");
    });
  }

  protected override async prepare(): Promise<void> {
    writeFileSync(join(this.folder, "credentials"), JSON.stringify(this.credentials), { mode: 0o600 });
    const check = checkPassword(this.credentials, this.refusal);
    writeFileSync(join(this.folder, "check-password"), check, { mode: 0o755 });
    this.configure();
    await this.host.must(["sh", "-eu"], { input: `cd ${this.folder}\n${makeKeys}` });
    const part = (name: string): string => readFileSync(join(this.folder, name), "utf8");
    writeFileSync(this.profilePath, clientProfile(this.provider, part));
  }

  /** Nothing to do: the server asks the script at each login. */
  protected override accountChanged(): Promise<void> {
    return Promise.resolve();
  }

  private get log(): string {
    return statePath("log", `${this.host.name}-openvpn.log`);
  }
}

/** An authority, a server's and a client's key: elliptic curves, so no Diffie-Hellman parameters. */
const makeKeys = `
key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
issue() { # NAME USAGE
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" |
    openssl x509 -req -CA ca.crt -CAkey ca.key -days 3650 -out "$1.crt" -extfile /dev/fd/3 3<<END
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = $2
END
}
umask 077
key ca
openssl req -new -x509 -key ca.key -subj '/CN=Lab provider' -days 3650 -out ca.crt
issue server serverAuth
issue client clientAuth
openvpn --genkey tls-crypt tls-crypt.key
`;

function checkPassword({ user, password }: Credentials, refusal: string): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  return `#!/bin/sh
# OpenVPN gives a file: user name, password.
{ IFS= read -r user; IFS= read -r password; } <"$1"
[ "$user" = ${quoted(user)} ] && [ "$password" = ${quoted(password)} ] && [ ! -e ${refusal} ]
`;
}

/** Bytes: with the kernel's own 212,992 the server loses what comes in bursts, and that is what a client's throughput is then. */
const RECEIVE_BUFFER = 524288;

function serverConfiguration(provider: OpenVpnProvider, folder: string, log: string): string {
  const { tunnel, address, port, protocol } = provider;
  return `
local ${address}
port ${port}
proto ${protocol === "udp" ? "udp4" : "tcp4-server"}
dev tun0
dev-type tun
topology subnet
server ${tunnel} 255.255.255.0
ca ${folder}/ca.crt
cert ${folder}/server.crt
key ${folder}/server.key
tls-crypt ${folder}/tls-crypt.key
dh none
data-ciphers AES-256-GCM:CHACHA20-POLY1305
duplicate-cn
verify-client-cert require
script-security 2
auth-user-pass-verify ${folder}/check-password via-file
username-as-common-name
keepalive 2 8
push "redirect-gateway def1"
push "dhcp-option DNS ${firstOf(tunnel)}"
${protocol === "udp" ? `explicit-exit-notify 0\nrcvbuf ${RECEIVE_BUFFER}` : "tcp-nodelay"}
verb 3
log-append ${log}
`;
}

/** As commercial providers hand it out, with the options theirs carry. */
function clientProfile({ address, port, protocol }: OpenVpnProvider, part: (name: string) => string): string {
  const inline = { ca: "ca.crt", cert: "client.crt", key: "client.key", "tls-crypt": "tls-crypt.key" };
  const blocks = Object.entries(inline).map(([tag, file]) => `<${tag}>\n${part(file).trim()}\n</${tag}>`);
  return `client
dev tun
proto ${protocol}
remote ${address} ${port} ${protocol}
resolv-retry infinite
nobind
persist-key
persist-tun
remote-cert-tls server
auth-user-pass
cipher AES-256-GCM
data-ciphers AES-256-GCM:CHACHA20-POLY1305
auth SHA256
verb 3
${blocks.join("\n")}
`;
}
