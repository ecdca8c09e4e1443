import { wireGuardKeys } from "../../gateway/keys";
import { SettingsError, type Fault } from "../../gateway/settings/fault";
import { parseSettings } from "../../gateway/settings/settings";
import { CA, CUSTOMER, NOW } from "./certificatesFixtures";

export type Raw = Record<string, unknown>;

/** Of no machine; the same in every run. */
export const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINcHZaFJTPu7gj4QRBbzLvz12+5W/cQdtgiFTsANjwc8";
export const publicKey = (seed: number): string => wireGuardKeys(Buffer.alloc(32, seed)).publicKey;

export const ec2 = { kind: "ec2", sshFrom: ["198.51.100.23/32"] };
export const existing = { kind: "existing", address: "198.51.100.10", hostKey };
export const vpn = { name: "vpn", profile: "vpn.ovpn" };

export const PROFILE = `client\nremote provider.example 1194 udp\nremote-cert-tls server\n${CA}${CUSTOMER}`;

/** The files that settings of the tests may name. */
const files = new Map(
  Object.entries({
    "vpn.ovpn": PROFILE,
    "asks.ovpn": `${PROFILE}auth-user-pass\n`,
    "empty.ovpn": " \n",
    "remoteless.ovpn": `client\ndev tun\n${CA}${CUSTOMER}`,
    "script.ovpn": `${PROFILE}script-security 2\nup /etc/openvpn/client.up\n`,
    "plugin.ovpn": `${PROFILE}plugin /usr/lib/openvpn/evil.so\n`,
    "rejected.ovpn": `${PROFILE}no-iv\n`,
    "file.ovpn": `${PROFILE}tls-auth ta.key 1\n`,
    "tap.ovpn": `${PROFILE}dev tap\n`,
    id_ed25519: "private",
    "host.pub": `${hostKey}\n`,
    "empty.pub": "",
    "rsa.pub": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 machine\n",
  }),
);

export const parse = (raw: unknown, credentials?: unknown, extra: Readonly<Record<string, string>> = {}) =>
  parseSettings(raw, { readFile: (path) => extra[path] ?? files.get(path), credentials, now: NOW });

/** What is wrong with settings. @throws whatever else than a SettingsError is thrown; nothing when nothing is */
export function faultsOf(
  raw: unknown,
  credentials?: unknown,
  extra?: Readonly<Record<string, string>>,
): { faults: readonly Fault[]; message: string } {
  try {
    parse(raw, credentials, extra);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error;
  }
  return { faults: [], message: "" };
}
