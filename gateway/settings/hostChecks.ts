import { contains, intervalOf, isAddress } from "./address";
import type { Report } from "./fault";
import { isHostKey } from "./fields";
import type { GatewayMachine } from "./replicaChecks";
import type { Ec2HostSettings, ExistingHostSettings, GatewayHostSettings, Shape } from "./schema";

/** 0.0.0.0/0 can be written in parts, so it is the number of addresses that counts. */
const MOST_ADDRESSES = 2 ** 24;

/** @param key where the host's settings stand */
export function checkEc2Host({ sshFrom, sshFromAnywhere }: Ec2HostSettings, report: Report, key: string): void {
  const addresses = sshFrom.map(intervalOf).reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (addresses > MOST_ADDRESSES && !sshFromAnywhere)
    report(
      `${key}.sshFrom`,
      sshFrom.join(", "),
      "networks of no more than a /8 together; the whole internet only with sshFromAnywhere: true",
      "give your own address with /32",
    );
}

/**
 * @param key where the host's settings stand
 * @returns the host with its host key itself where settings name the file of it
 */
export function readExistingHost<H extends ExistingHostSettings>(
  host: H,
  readFile: (path: string) => string | undefined,
  report: Report,
  key: string,
): H {
  const { privateKeyFile } = host;
  if (privateKeyFile !== undefined && readFile(privateKeyFile) === undefined)
    report(
      `${key}.privateKeyFile`,
      privateKeyFile,
      "the path of a file that can be read",
      "mend the path, or leave it out to use the SSH agent",
    );
  const hostKey = isHostKey(host.hostKey) ? host.hostKey : (readFile(host.hostKey)?.trim() ?? "");
  if (!isHostKey(hostKey))
    report(
      `${key}.hostKey`,
      host.hostKey,
      "a file that holds the machine's `ssh-ed25519 AAAA...` line",
      "read it on the machine: cat /etc/ssh/ssh_host_ed25519_key.pub",
    );
  return { ...host, hostKey };
}

function checkHostAddress(
  { address }: ExistingHostSettings,
  { subnet }: Shape["wireguard"],
  report: Report,
  key: string,
): void {
  if (isAddress(address) && contains(intervalOf(subnet), intervalOf(address)))
    report(
      `${key}.address`,
      address,
      `an address outside the clients' network ${subnet}`,
      "give the address that reaches the machine from where you deploy",
    );
}

/**
 * Checks the machine of a gateway.
 * @param wireguard the gateway's settings of it, where they are sound
 * @returns as {@link readExistingHost}
 */
export function readGatewayHost(
  { key, host }: GatewayMachine,
  wireguard: Shape["wireguard"] | undefined,
  readFile: (path: string) => string | undefined,
  report: Report,
): GatewayHostSettings {
  if (host.kind === "ec2") {
    checkEc2Host(host, report, key);
    return host;
  }
  // Who reaches SSH is said only where the gateway has a say in it.
  if (host.sshFrom !== undefined && !host.firewall)
    report(
      `${key}.sshFrom`,
      host.sshFrom.join(", "),
      "networks only with firewall: true, on an existing machine",
      `set ${key}.firewall, or take sshFrom out`,
    );
  if (wireguard) checkHostAddress(host, wireguard, report, key);
  return readExistingHost(host, readFile, report, key);
}
