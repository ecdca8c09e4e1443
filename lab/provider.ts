import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Handle, Host } from "./host";
import { until } from "./process";
import { stateFolder, statePath } from "./state";
import type { Provider } from "./topology";

/** What a customer of a provider gets. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** A commercial VPN provider: an OpenVPN server whose clients reach the internet from its address. */
export class ProviderServer {
  /** Holds the client profile `vpn.ovpn` and `credentials` (JSON), besides the server's own files. */
  readonly folder: string;
  private readonly log: string;

  /** @param host where the server runs @param provider its addresses */
  constructor(
    readonly host: Host,
    readonly provider: Provider,
  ) {
    this.folder = stateFolder(provider.host);
    this.log = statePath("log", `${host.name}-openvpn.log`);
  }

  /** The client profile as the provider hands it out. */
  get profile(): string {
    return readFileSync(join(this.folder, "vpn.ovpn"), "utf8");
  }

  get credentials(): Credentials {
    return JSON.parse(readFileSync(join(this.folder, "credentials"), "utf8")) as Credentials;
  }

  /** Starts the server, with keys made at the first time; resolves when it serves. */
  async start(): Promise<void> {
    if (!existsSync(join(this.folder, "vpn.ovpn"))) await this.prepare();
    writeFileSync(this.log, "");
    const service = this.host.spawn(["openvpn", "--config", join(this.folder, "server.conf")]);
    await until(`${this.host.name}: OpenVPN serves`, 10_000, () => {
      if (!service.running) throw new Error(readFileSync(this.log, "utf8"));
      return readFileSync(this.log, "utf8").includes("Initialization Sequence Completed");
    });
  }

  /** The running server, or undefined. */
  get service(): Handle | undefined {
    return this.host.find("openvpn");
  }

  /** Stops the server without a word to its clients, as a failed one. */
  async fail(): Promise<void> {
    this.service?.signal("SIGKILL");
    await until(`${this.host.name}: OpenVPN is gone`, 5000, () => !this.service);
  }

  private async prepare(): Promise<void> {
    const credentials: Credentials = { user: "lab-customer", password: "correct-horse-battery" };
    writeFileSync(join(this.folder, "credentials"), JSON.stringify(credentials), { mode: 0o600 });
    writeFileSync(join(this.folder, "check-password"), checkPassword(credentials), { mode: 0o755 });
    writeFileSync(join(this.folder, "server.conf"), serverConfiguration(this.provider, this.folder, this.log));
    await this.host.must(["sh", "-eu"], { input: `cd ${this.folder}\n${makeKeys}` });
    const part = (name: string): string => readFileSync(join(this.folder, name), "utf8");
    writeFileSync(join(this.folder, "vpn.ovpn"), clientProfile(this.provider, part));
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

function checkPassword({ user, password }: Credentials): string {
  return `#!/bin/sh
# OpenVPN gives a file: user name, password.
{ read -r user; read -r password; } <"$1"
[ "$user" = '${user}' ] && [ "$password" = '${password}' ]
`;
}

function serverConfiguration({ tunnel, address }: Provider, folder: string, log: string): string {
  return `
local ${address}
port 1194
proto udp4
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
push "dhcp-option DNS ${tunnel.replace(/\d+$/, "1")}"
explicit-exit-notify 0
verb 3
log-append ${log}
`;
}

/** As commercial providers hand it out, with the options theirs carry. */
function clientProfile({ address }: Provider, part: (name: string) => string): string {
  const inline = { ca: "ca.crt", cert: "client.crt", key: "client.key", "tls-crypt": "tls-crypt.key" };
  const blocks = Object.entries(inline).map(([tag, file]) => `<${tag}>\n${part(file).trim()}\n</${tag}>`);
  return `client
dev tun
proto udp
remote ${address} 1194 udp
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
