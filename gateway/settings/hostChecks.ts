import { contains, intervalOf, isAddress } from "./address";
import type { Report } from "./fault";
import { isHostKey } from "./fields";
import { malformed, type Parts, pick, sound } from "./parts";
import type { GatewayMachine } from "./replicaChecks";
import type { Ec2HostSettings, ExistingHostSettings, HostSettings } from "./schema";

type ReadFile = (path: string) => string | undefined;

/**
 * Stands in Pulumi.dev.yaml until the user writes their own. Nobody has an address of 198.51.100.0/24: it is for documentation (RFC 5737).
 */
export const EXAMPLE_SSH_FROM = "198.51.100.7/32";

/** Whoever deploys with the example in place would be shut out of their machine. */
function checkExample(sshFrom: Parts<readonly string[]> | undefined, report: Report, key: string): void {
  for (const { index, value } of sound(sshFrom))
    if (value === EXAMPLE_SSH_FROM)
      report(
        `${key}.sshFrom[${index}]`,
        value,
        "networks of your own: this address is the example's, and nobody has it",
        "write the public address that you deploy from, with /32: `curl https://checkip.amazonaws.com` shows it",
      );
}

/** 0.0.0.0/0 can be written in parts, so it is the number of addresses that counts. */
const MOST_ADDRESSES = 2 ** 24;

function checkEc2Host({ sshFrom, sshFromAnywhere }: Parts<Ec2HostSettings> & object, report: Report, key: string) {
  checkExample(sshFrom, report, key);
  const networks = sound(sshFrom).map(({ value }) => value);
  const addresses = networks.map(intervalOf).reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (addresses > MOST_ADDRESSES && sshFromAnywhere === false)
    report(
      `${key}.sshFrom`,
      networks.join(", "),
      "networks of no more than a /8 together; the whole internet only with sshFromAnywhere: true",
      "give your own address with /32",
    );
}

/** The host key itself, where the settings name the file of it; else what they say. */
const hostKeyOf = (hostKey: string, readFile: ReadFile): string =>
  isHostKey(hostKey) ? hostKey : (readFile(hostKey)?.trim() ?? "");

function checkExistingHost(
  host: Parts<ExistingHostSettings> & object,
  readFile: ReadFile,
  report: Report,
  key: string,
) {
  const { privateKeyFile } = pick(host, "privateKeyFile") ?? {};
  if (privateKeyFile !== undefined && readFile(privateKeyFile) === undefined)
    report(
      `${key}.privateKeyFile`,
      privateKeyFile,
      "the path of a file that can be read",
      "mend the path, or leave it out to use the SSH agent",
    );
  const { hostKey } = pick(host, "hostKey") ?? {};
  if (hostKey !== undefined && !isHostKey(hostKeyOf(hostKey, readFile)))
    report(
      `${key}.hostKey`,
      hostKey,
      "a file that holds the machine's `ssh-ed25519 AAAA...` line",
      "read it on the machine: cat /etc/ssh/ssh_host_ed25519_key.pub",
    );
}

/** Checks a machine by itself. @param key where its settings stand */
export function checkHost(host: Parts<HostSettings>, readFile: ReadFile, report: Report, key: string): void {
  if (host === malformed) return;
  if (host.kind === "ec2") checkEc2Host(host, report, key);
  else if (host.kind === "existing") checkExistingHost(host, readFile, report, key);
}

/** @returns a checked host, with its host key itself where the settings name the file of it */
export const withHostKey = <H extends HostSettings>(host: H, readFile: ReadFile): H =>
  host.kind === "existing" ? { ...host, hostKey: hostKeyOf(host.hostKey, readFile) } : host;

/**
 * Checks the machine of a gateway.
 * @param subnet the clients' network, where it is well-formed
 */
export function checkGatewayHost(
  { key, host }: GatewayMachine,
  subnet: string | undefined,
  readFile: ReadFile,
  report: Report,
): void {
  checkHost(host, readFile, report, key);
  if (host === malformed || host.kind !== "existing") return;
  checkExample(host.sshFrom, report, key);
  // Who reaches SSH is said only where the gateway has a say in it.
  if (host.sshFrom !== undefined && host.firewall === false)
    report(
      `${key}.sshFrom`,
      sound(host.sshFrom)
        .map(({ value }) => value)
        .join(", "),
      "networks only with firewall: true, on an existing machine",
      `set ${key}.firewall, or take sshFrom out`,
    );
  const { address } = pick(host, "address") ?? {};
  if (
    subnet !== undefined &&
    address !== undefined &&
    isAddress(address) &&
    contains(intervalOf(subnet), intervalOf(address))
  )
    report(
      `${key}.address`,
      address,
      `an address outside the clients' network ${subnet}`,
      "give the address that reaches the machine from where you deploy",
    );
}
