import { EXIT_NETWORKS } from "../plan/ids";
import { contains, intervalOf } from "./address";
import { hidden, type Report } from "./fault";
import { having, malformed, type Parts, sound } from "./parts";
import type { ExitSettings, Shape } from "./schema";

/*
 * What providers' profiles say of other settings.
 */

/** Networks that exist only where they are used: private ones, shared by carriers, of one link, of one machine. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"];

/** Credentials that no profile asks for are sent to nobody: the exit fails, or they are one secret too many. */
export function checkUnusedCredentials(
  exits: Parts<readonly ExitSettings[]>,
  credentials: Parts<Shape["credentials"]>,
  warn: Report,
): void {
  if (credentials === malformed) return;
  for (const { name, provider, profile } of having(exits, "name", "provider", "profile"))
    if (Object.hasOwn(credentials, name) && !provider.wantsCredentials)
      warn(
        `credentials.${name}`,
        hidden,
        `nothing, for ${profile} does not ask for a user name and a password`,
        provider.kind === "openvpn"
          ? `add the line \`auth-user-pass\` to ${profile} if the provider wants them, or pulumi config rm --path credentials.${name}`
          : `WireGuard has keys alone: pulumi config rm --path credentials.${name}`,
      );
}

/** An upstream within a provider's network answers through that exit alone: the others, and direct clients, have no names. */
export function checkPrivateUpstreams(
  upstreams: Parts<Shape["dns"]["upstreams"]>,
  localNetworks: Parts<Shape["localNetworks"]>,
  warn: Report,
): void {
  const local = sound(localNetworks).map(({ value }) => value);
  for (const { index, value: upstream } of sound(upstreams)) {
    const within = (network: string) => contains(intervalOf(network), intervalOf(upstream));
    const network = PRIVATE.find(within);
    if (network === undefined || local.some(within)) continue;
    warn(
      `dns.upstreams[${index}]`,
      upstream,
      `resolvers that answer from everywhere; ${network} exists only inside one network, such as a provider's`,
      "name public resolvers: each upstream is asked by the uplink and through every exit",
    );
  }
}

/**
 * A tunnel whose own address is a client's would keep what is for that client. Of an address that OpenVPN's server gives, tun-up.sh says
 * the same.
 */
export function checkTunnelAddresses(exits: Parts<readonly ExitSettings[]>, subnet: string, report: Report): void {
  for (const { index, provider, profile } of having(exits, "provider", "profile")) {
    if (provider.kind !== "wireguard") continue;
    const within = (network: string) => contains(intervalOf(network), intervalOf(provider.address));
    const network = [subnet, EXIT_NETWORKS].find(within);
    if (network === undefined) continue;
    const whose = network === subnet ? `the clients' network ${subnet}` : `${network}, the exits' own networks`;
    report(
      `exits[${index}].profile`,
      profile,
      `a configuration whose Address is outside ${whose}; it is ${provider.address}`,
      network === subnet
        ? "choose another wireguard.subnet, or ask the provider for another address"
        : "ask the provider for another address",
    );
  }
}
