import { BLOCK_MARK, DIRECT_RESOLVER_PORT, WG_INTERFACE } from "../plan/ids";
import { type ExitPlan, type Plan, publicAddressesOf } from "../plan/plan";
import type { Service } from "../settings/fields";
import { inputChains } from "./nftInput";
import { purposes, selectedChains, type Purpose } from "./nftChoices";
import { renderLookups } from "./nftLookup";
import {
  byInterface,
  type Case,
  caseMap,
  chain,
  chainName,
  decide,
  DNS,
  elements,
  hex,
  indented,
  OURS,
  quoted,
  replaceTable,
  setConnectionMark,
  setMark,
  SYN,
} from "./nft";

/**
 * The host's rules. As a file they are shut: the set `uplinks` is empty, so that nothing of a client leaves;
 * firewall.sh adds the uplinks it finds when the gateway is up.
 */
export function renderHostRules(plan: Plan): string {
  const { subnet, address, mss, isolation } = plan.wireguard;
  const { exits } = plan;
  const published = plan.published.services.length > 0;
  const portsOf = (protocol: Service["protocol"]): string =>
    elements(plan.published.services.flatMap((one) => (one.protocol === protocol ? one.ports.map(String) : [])));
  const services = (protocol: Service["protocol"]): string => `	set published_${protocol} {
		type inet_service
		flags interval
		auto-merge
		${portsOf(protocol)}
	}
`;
  const links = quoted([WG_INTERFACE, ...exits.map((exit) => exit.hostLink)]);
  const ofExits = (render: (exit: ExitPlan) => string): string => exits.map(render).join("");
  /** By the exit that a connection is on. */
  const byConnectionMark = (condition: string, purpose: Purpose): string[] =>
    decide(`${condition}ct mark & ${OURS} ==`, [
      ["0x00000000", `goto ${purpose}_direct`],
      ...exits.map((exit): Case => [hex(exit.clientMark), `goto ${purpose}_${chainName(exit)}`]),
    ]);
  /** What an exit's resolver sends, in a chain for each exit. */
  const byResolver = (name: string, condition = ""): string[] =>
    decide(
      `${condition}ip saddr`,
      exits.map((exit): Case => [exit.hostAddress, `goto ${name}_of_${chainName(exit)}`]),
    );

  const markOf = (name: string, mark: number, connectionMark: number = mark): string =>
    chain(name, [setMark(mark), setConnectionMark(connectionMark), "accept"]);
  const lookups = {
    mark: renderLookups(plan, "mark"),
    forward: renderLookups(plan, "forward"),
    dns: renderLookups(plan, "dns"),
  };
  const mapOf = (purpose: Purpose): string => caseMap(`${purpose}_by_source`, lookups[purpose].cases);
  const bySource = (purpose: Purpose, condition = ""): string =>
    indented(decide(`${condition}ip saddr`, lookups[purpose].cases, `${purpose}_by_source`));
  const choiceChains = (purpose: Purpose): string => `${selectedChains(plan, purpose)}${lookups[purpose].chains}`;

  return replaceTable(`	# Interfaces with a default route. Empty at boot and after wg0-down.sh: then nothing is forwarded.
	set uplinks {
		type ifname
	}

	set local_networks {
		type ipv4_addr
		flags interval
		auto-merge
		${elements(plan.localNetworks)}
	}

	set upstreams {
		type ipv4_addr
		${elements(plan.dns.upstreams)}
	}

${published ? `${services("tcp")}\n${services("udp")}\n` : ""}${purposes.map(mapOf).join("")}	# No inner address comes by another interface than its own.
	chain mangle_prerouting {
		type filter hook prerouting priority mangle; policy accept;
${indented(byInterface(plan, "prerouting", [['"lo"', "accept"]]))}		goto no_inner_source
	}

	chain no_inner_source {
${indented(
  decide(
    "ip saddr",
    [subnet, ...exits.map((exit) => exit.network)].map((network): Case => [network, "drop"]),
  ),
)}	}
${ofExits((exit) => chain(`prerouting_from_${chainName(exit)}`, [`ip saddr ${exit.network} accept`, "goto no_inner_source"]))}
	# A connection keeps the exit that it began on.
	chain prerouting_from_clients {
		ip saddr != ${subnet} goto no_inner_source
${indented(byConnectionMark("ct state established,related ", "mark"))}${bySource("mark", "ct state new ")}	}
${markOf("mark_direct", 0)}${markOf("mark_block", BLOCK_MARK, 0)}${ofExits((exit) => markOf(`mark_${chainName(exit)}`, exit.clientMark))}${choiceChains("mark")}
	# Queries of an exit's resolver go out through that exit; only towards port 53, never the answers, or they would loop.
	chain mangle_output {
		type route hook output priority mangle; policy accept;
${indented(byResolver("output", `ip daddr @upstreams ${DNS} `))}	}
${ofExits((exit) => chain(`output_of_${chainName(exit)}`, [setMark(exit.resolverMark)]))}
	# A client asks ${address}; who it is decides which resolver answers. The one that is found there learns local names alone.
	chain nat_prerouting {
		type nat hook prerouting priority dstnat; policy accept;
${bySource("dns", `iifname "${WG_INTERFACE}" ip daddr ${address} ${DNS} `)}${published ? renderTaking(publicAddressesOf(plan)) : ""}	}

	chain dns_direct {
		meta l4proto { tcp, udp } dnat ip to ${address}:${DIRECT_RESOLVER_PORT}
	}

	chain dns_block {
		accept
	}
${ofExits((exit) => chain(`dns_${chainName(exit)}`, [`meta l4proto { tcp, udp } dnat ip to ${exit.hostAddress}`]))}${choiceChains("dns")}
	chain nat_postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr ${subnet} oifname @uplinks masquerade
${ofExits((exit) => `		ip saddr ${exit.network} oifname @uplinks masquerade\n`)}	}

	chain filter_forward {
		type filter hook forward priority filter; policy accept;
		${SYN} jump clamp_mss
${indented(byInterface(plan, "forward"))}		oifname { ${links} } goto forward_inward
		iifname @uplinks oifname @uplinks goto forward_neighbours
	}

	# In both directions, in the SYN and its answer: nothing on the way has to fragment.
	chain clamp_mss {
		iifname "${WG_INTERFACE}" tcp option maxseg size set ${mss}
		oifname "${WG_INTERFACE}" tcp option maxseg size set ${mss}
	}

	# Through this machine to elsewhere. Empty: as the machine itself decides; firewall.sh adds \`drop\` where it forwarded nothing before.
	chain forward_neighbours {
	}

	chain forward_from_clients {
		meta nfproto ipv6 reject with icmpv6 admin-prohibited
		ip saddr != ${subnet} drop
		oifname "${WG_INTERFACE}" ip daddr ${subnet} ${isolation ? "reject with icmp admin-prohibited" : "accept"}
		ip daddr { ${["169.254.0.0/16", ...exits.map((exit) => exit.network)].join(", ")} } reject with icmp admin-prohibited
		ip daddr @local_networks oifname @uplinks accept
		ct state related meta l4proto icmp jump forward_related
${bySource("forward")}		drop
	}

	# What tells of a connection goes the way of it.
	chain forward_related {
${indented(byConnectionMark("", "forward"))}	}

	# Each end: what began on another exit is reset, not moved.
	chain forward_direct {
		ct mark & ${OURS} == 0x00000000 oifname @uplinks accept
		ct mark & ${OURS} != 0x00000000 meta l4proto tcp reject with tcp reset
		drop
	}

	chain forward_block {
		meta l4proto tcp reject with tcp reset
		reject with icmp admin-prohibited
	}
${ofExits((exit) =>
  chain(`forward_${chainName(exit)}`, [
    `meta mark & ${OURS} == ${hex(exit.clientMark)} oifname "${exit.hostLink}" accept`,
    `ct mark & ${OURS} != ${hex(exit.clientMark)} meta l4proto tcp reject with tcp reset`,
    "drop",
  ]),
)}${choiceChains("forward")}${ofExits(
    (exit) => `
	# Out: OpenVPN's own packets, which the namespace holds to the provider's address and port. In: answers to the exit's clients.
	chain forward_from_${chainName(exit)} {
		ip saddr ${exit.namespaceAddress} oifname @uplinks accept
		oifname "${WG_INTERFACE}" ct state established,related ct mark & ${OURS} == ${hex(exit.clientMark)} accept
		drop
	}
`,
  )}
	chain forward_inward {
		ct state established,related accept
		drop
	}
${inputChains(plan)}
	# What a resolver of an exit says goes to its exit or to a client, whatever mark was lost. After routing, for the output hook
	# still shows the device of before the mark.
	chain filter_postrouting {
		type filter hook postrouting priority filter; policy accept;
${indented(byResolver("postrouting"))}	}
${ofExits((exit) => chain(`postrouting_of_${chainName(exit)}`, [`oifname != { "lo", "${WG_INTERFACE}", "${exit.hostLink}" } drop`]))}`);
}

/** Where a public address is translated outside of the machine, as on EC2, clients' packets for what is published there are for the machine. */
function renderTaking(addresses: readonly string[]): string {
  const taken = `iifname "${WG_INTERFACE}" ip daddr { ${addresses.join(", ")} } fib daddr type != local`;
  return ["tcp dport @published_tcp", "udp dport @published_udp", "icmp type echo-request"]
    .map((what) => `		${taken} ${what} redirect\n`)
    .join("");
}
