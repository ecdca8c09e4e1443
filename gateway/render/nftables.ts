import { BLOCK_MARK, DIRECT_MARK, DIRECT_RESOLVER_PORT, WG_INTERFACE } from "../plan/ids";
import { type ExitPlan, type Plan, publicAddressesOf } from "../plan/plan";
import { intervalOf } from "../settings/address";
import { inputChains } from "./nftInput";
import { selectedChains, type Purpose } from "./nftChoices";
import { renderLookups } from "./nftLookup";
import { publishedChain } from "./nftPublished";
import {
  byLink,
  type Case,
  chain,
  chainName,
  decide,
  decideAddress,
  type Decided,
  DNS,
  elements,
  hex,
  indented,
  OURS,
  replaceTable,
  setConnectionMark,
  setMark,
  SYN,
} from "./nft";

/**
 * The host's rules. As a file they are shut: the set `uplinks` and the chain `to_uplink` are empty, so that nothing of a client leaves;
 * firewall.sh adds the uplinks it finds when the gateway is up.
 */
export function renderHostRules(plan: Plan): string {
  const { subnet, address, mss, isolation } = plan.wireguard;
  const { exits } = plan;
  const published = plan.published.services.length > 0;
  const ofExits = (render: (exit: ExitPlan) => string): string => exits.map(render).join("");
  /** What an exit's resolver sends, in a chain for each exit. */
  const byResolver = (name: string): string[] =>
    decide(
      "ip saddr",
      exits.map((exit): Case => [exit.hostAddress, `goto ${name}_of_${chainName(exit)}`]),
    );
  const byNetwork = (name: string, what: string, networks: readonly (readonly [string, string])[]): Decided =>
    decideAddress(
      name,
      what,
      networks.map(([network, verdict]) => ({ ...intervalOf(network), verdict })),
      1,
    );
  const sources = byNetwork(
    "source_of_exits",
    "ip saddr",
    exits.map((exit) => [exit.network, `goto source_of_${chainName(exit)}`]),
  );
  /** For what no client may reach. On EC2 the metadata service is link-local. */
  const prohibited = (name: string, verdict: string): Decided =>
    byNetwork(name, "ip daddr", [
      ["169.254.0.0/16", verdict],
      ...exits.map((exit) => [exit.network, verdict] as const),
    ]);
  const unmarked = prohibited("mark_prohibited", "accept");
  const rejected = prohibited("forward_prohibited", "goto forward_prohibited");
  const local = byNetwork(
    "forward_local",
    "ip daddr",
    plan.localNetworks.map((network) => [network, "jump to_uplink"]),
  );
  const marks = (mark: number, connectionMark: number = mark): string[] => [
    setMark(mark),
    setConnectionMark(connectionMark),
    "accept",
  ];
  const leavesDirect = `ct mark & ${OURS} == ${hex(DIRECT_MARK)} jump to_uplink`;
  const leavesBy = (exit: ExitPlan): string =>
    `meta mark & ${OURS} == ${hex(exit.clientMark)} oifname "${exit.hostLink}" accept`;
  const lookups = {
    mark: renderLookups(plan, "mark"),
    forward: renderLookups(plan, "forward"),
    dns: renderLookups(plan, "dns"),
  };
  const choiceChains = (purpose: Purpose): string => `${selectedChains(plan, purpose)}${lookups[purpose].chains}`;

  return replaceTable(`	# Interfaces with a default route. Empty at boot and after wg0-down.sh: then nothing is forwarded.
	set uplinks {
		type ifname
	}

	set upstreams {
		type ipv4_addr
		${elements(plan.dns.upstreams)}
	}

	# No inner address comes by another interface than its own.
	chain mangle_prerouting {
		type filter hook prerouting priority mangle; policy accept;
		ip saddr ${subnet} goto source_of_clients
${indented(sources.rules)}	}

	chain source_of_clients {
		iifname "${WG_INTERFACE}" goto prerouting_from_clients
		iifname != "lo" drop
	}
${sources.chains}${ofExits((exit) => chain(`source_of_${chainName(exit)}`, [`iifname "${exit.hostLink}" accept`, 'iifname != "lo" drop']))}
	# A connection keeps the exit that it began on.
	chain prerouting_from_clients {
${indented(
  decide(`ct mark & ${OURS} ==`, [
    [hex(DIRECT_MARK), "accept"],
    ...exits.map((exit): Case => [hex(exit.clientMark), `goto keep_${chainName(exit)}`]),
    [hex(0), "goto prerouting_new"],
  ]),
)}	}

	chain prerouting_new {
		${SYN} jump clamp_mss
${indented(lookups.mark.rules)}	}
${ofExits((exit) => chain(`keep_${chainName(exit)}`, [setMark(exit.clientMark), "accept"]))}
	# What no client may reach is not marked, and so leaves neither by an uplink nor by an exit.
	chain mark_prohibited {
${indented(unmarked.rules)}	}
${unmarked.chains}${chain("mark_direct", ["jump mark_prohibited", ...marks(0, DIRECT_MARK)])}${chain("mark_block", marks(BLOCK_MARK, 0))}${ofExits((exit) => chain(`mark_${chainName(exit)}`, ["jump mark_prohibited", ...marks(exit.clientMark)]))}${choiceChains("mark")}
	# Queries of an exit's resolver go out through that exit; only towards port 53, never the answers, or they would loop.
	chain mangle_output {
		type route hook output priority mangle; policy accept;
${indented(byResolver("output"))}	}
${ofExits((exit) => chain(`output_of_${chainName(exit)}`, [`${DNS} ip daddr @upstreams ${setMark(exit.resolverMark)}`]))}
	# A client asks ${address}; who it is decides which resolver answers. The one that is found there learns local names alone. Where a
	# public address is translated outside of the machine, as on EC2, clients' packets for what is published there are for the machine.
	chain nat_prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "${WG_INTERFACE}" ip daddr ${address} ${DNS} goto dns_from_clients
${published ? `		iifname "${WG_INTERFACE}" ip daddr { ${publicAddressesOf(plan).join(", ")} } fib daddr type != local goto redirect_published\n` : ""}	}
${published ? publishedChain(plan, "redirect_published", "redirect", ["icmp type echo-request redirect"]) : ""}
	chain dns_from_clients {
${indented(lookups.dns.rules)}	}

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
		iifname "${WG_INTERFACE}" goto forward_from_clients
${indented(byLink(plan, "forward_from"))}		oifname "${WG_INTERFACE}" goto forward_to_clients
${indented(
  decide(
    "oifname",
    exits.map((exit): Case => [`"${exit.hostLink}"`, "goto forward_inward"]),
  ),
)}		iifname @uplinks oifname @uplinks goto forward_neighbours
	}

	# In the SYN of a client and in the answer to it: nothing on the way has to fragment.
	chain clamp_mss {
		tcp option maxseg size set ${mss}
	}

	# Through this machine to elsewhere. Empty: as the machine itself decides; firewall.sh adds \`drop\` where it forwarded nothing before.
	chain forward_neighbours {
	}

	chain forward_from_clients {
${indented(lookups.forward.rules)}		goto forward_foreign
	}

	chain forward_between_clients {
		ip saddr ${subnet} ${isolation ? "reject with icmp admin-prohibited" : "accept"}
		drop
	}

	chain forward_prohibited {
		reject with icmp admin-prohibited
	}

	# No client has such a source.
	chain forward_foreign {
		meta nfproto ipv6 reject with icmpv6 admin-prohibited
		drop
	}

	# A rule for each uplink, which is quicker than a lookup.
	chain to_uplink {
	}

	# Each end: what leaves by it first, for that is most of all. What began on another exit is reset, not moved.
	chain forward_direct {
		${leavesDirect}
		jump forward_elsewhere
		ct mark & ${OURS} != ${hex(DIRECT_MARK)} meta l4proto tcp reject with tcp reset
		drop
	}

	chain forward_block {
		jump forward_elsewhere
		meta l4proto tcp reject with tcp reset
		reject with icmp admin-prohibited
	}
${ofExits((exit) =>
  chain(`forward_${chainName(exit)}`, [
    leavesBy(exit),
    "jump forward_elsewhere",
    `ct mark & ${OURS} != ${hex(exit.clientMark)} meta l4proto tcp reject with tcp reset`,
    "drop",
  ]),
)}
	# Where what does not leave by its end may go: by the uplink to a local network, whatever exit a client has.
	chain forward_elsewhere {
		oifname "${WG_INTERFACE}" ip daddr ${subnet} goto forward_between_clients
${indented([...rejected.rules, ...local.rules])}		ct state related meta l4proto icmp goto forward_related
	}
${rejected.chains}${local.chains}
	# What tells of a connection goes the way of it.
	chain forward_related {
		${leavesDirect}
${indented(exits.map(leavesBy))}		drop
	}
${choiceChains("forward")}
	chain forward_to_clients {
		${SYN} jump clamp_mss
		goto forward_inward
	}

	chain forward_inward {
		ct state established,related accept
		drop
	}
${ofExits(
  (exit) => `
	# Out: OpenVPN's own packets, which the namespace holds to the provider's address and port. In: answers to the exit's clients.
	chain forward_from_${chainName(exit)} {
		ip saddr ${exit.namespaceAddress} jump to_uplink
		${SYN} jump clamp_mss
		oifname "${WG_INTERFACE}" ct state established,related ct mark & ${OURS} == ${hex(exit.clientMark)} accept
		drop
	}
`,
)}${inputChains(plan)}
	# What a resolver of an exit says goes to its exit or to a client, whatever mark was lost. After routing, for the output hook
	# still shows the device of before the mark.
	chain filter_postrouting {
		type filter hook postrouting priority filter; policy accept;
${indented(byResolver("postrouting"))}	}
${ofExits((exit) => chain(`postrouting_of_${chainName(exit)}`, [...[WG_INTERFACE, exit.hostLink, "lo"].map((link) => `oifname "${link}" accept`), "drop"]))}`);
}
