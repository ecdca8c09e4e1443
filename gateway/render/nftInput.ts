import { DIRECT_RESOLVER_PORT, WG_INTERFACE } from "../plan/ids";
import { type Plan, publicAddressesOf } from "../plan/plan";
import { chain, chainName, DNS, indented } from "./nft";
import { byLink, decideNetwork } from "./nftDecide";
import { publishedChain } from "./nftPublished";

/** What the machine could not live without: errors, path MTU, neighbours and routers of IPv6, addresses from DHCP. */
const ESSENTIAL = [
  "icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept",
  "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request } accept",
  "icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query } accept",
  "udp sport 67 udp dport 68 accept",
  "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
];

/** The rules for what is sent to the machine itself, by whom it comes from. */
export function inputChains(plan: Plan): string {
  const { input, exits, metrics } = plan;
  const { subnet, address, port } = plan.wireguard;
  const isPublished = plan.published.services.length > 0;
  const published = isPublished ? ["jump input_published"] : [];
  // What a client may speak to on the machine itself.
  const own = [address, ...(isPublished ? publicAddressesOf(plan) : [])];
  const inner = decideNetwork(
    "input_inner",
    "ip daddr",
    [address, ...exits.map(({ hostAddress }) => hostAddress)].map((one) => [one, "goto input_inner"]),
  );
  const links = byLink(plan, "input_from");
  const ssh = `tcp dport { ${input.sshPorts.join(", ")} } accept`;
  const fromClients = [
    ...published.map((rule) => `ip saddr ${subnet} ip daddr { ${own.join(", ")} } ${rule}`),
    ...(input.sshFromClients ? [`ip saddr ${subnet} ip daddr ${address} ${ssh}`] : []),
    ...(metrics && metrics.from.length > 0
      ? [`ip saddr { ${metrics.from.join(", ")} } ip daddr ${address} tcp dport ${metrics.port} accept`]
      : []),
  ];
  const fromOutside = [
    `udp dport ${port} accept`,
    input.sshFrom === undefined ? ssh : `ip saddr { ${input.sshFrom.join(", ")} } ${ssh}`,
    ...published,
    ...ESSENTIAL,
  ];
  const fromExits = exits.map((exit) =>
    chain(`input_from_${chainName(exit)}`, [
      "ct state established,related accept",
      `ip saddr ${exit.namespaceAddress} ip daddr ${exit.hostAddress} ${DNS} accept`,
      `ip saddr ${exit.namespaceAddress} ip daddr ${exit.hostAddress} icmp type echo-request accept`,
      "drop",
    ]),
  );
  return `
	# From outside ${input.shut ? "no more than is named here" : "as the machine itself decides"}; never to an inner address.
	chain filter_input {
		type filter hook input priority filter; policy ${input.shut ? "drop" : "accept"};
${indented(inner.rules)}		ct state established,related accept
		jump input_by_link
${input.shut ? indented(fromOutside) : ""}	}

${inner.chains}	chain input_inner {
		jump input_by_link
		drop
	}

	chain input_by_link {
		iifname "${WG_INTERFACE}" goto input_from_clients
${indented(links.rules)}		iifname "lo" accept
	}
${links.chains}
	chain input_from_clients {
		ct state established,related accept
		ip saddr ${subnet} ct original ip daddr ${address} udp dport { 53, ${DIRECT_RESOLVER_PORT} } ct original proto-dst 53 accept
		ip saddr ${subnet} ct original ip daddr ${address} tcp dport { 53, ${DIRECT_RESOLVER_PORT} } ct original proto-dst 53 accept
		ip saddr ${subnet} ip daddr { ${own.join(", ")} } icmp type echo-request accept
${indented(fromClients)}		reject with icmpx admin-prohibited
	}
${fromExits.join("")}${isPublished ? publishedChain(plan, "input_published", "accept") : ""}`;
}
