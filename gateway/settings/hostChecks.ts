import { contains, intervalOf, isAddress } from "./address";
import type { Report } from "./fault";
import { isHostKey } from "./fields";
import type { Ec2HostSettings, ExistingHostSettings, Shape } from "./schema";

/** 0.0.0.0/0 can be written in parts, so it is the number of addresses that counts. */
const MOST_ADDRESSES = 2 ** 24;

/** @param key where the host's settings stand */
export function checkEc2Host({ sshFrom, sshFromAnywhere }: Ec2HostSettings, report: Report, key = "host"): void {
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
  key = "host",
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

export function checkHostAddress(
  { address }: ExistingHostSettings,
  { subnet }: Shape["wireguard"],
  report: Report,
): void {
  if (isAddress(address) && contains(intervalOf(subnet), intervalOf(address)))
    report(
      "host.address",
      address,
      `an address outside the clients' network ${subnet}`,
      "give the address that reaches the machine from where you deploy",
    );
}

/** Of a gateway's machine that is there: who reaches SSH is said only where the gateway has a say in it. */
export function checkInput(host: Shape["host"], report: Report): void {
  if (host?.kind === "existing" && host.sshFrom !== undefined && !host.firewall)
    report(
      "host.sshFrom",
      host.sshFrom.join(", "),
      "networks only with firewall: true, on an existing machine",
      "set host.firewall, or take sshFrom out",
    );
}
