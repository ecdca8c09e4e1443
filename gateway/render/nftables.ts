import { WG_INTERFACE } from "../plan/ids";
import type { Plan } from "../plan/plan";
import { intervalText } from "../settings/address";
import { chainName, DNS, elements, hex, OURS, quoted, replaceTable, setConnectionMark, setMark, SYN } from "./nft";

/**
 * The host's rules. As a file they are shut: the set `uplinks` is empty, so that nothing of a client leaves;
 * firewall.sh adds the uplinks it finds when the gateway is up.
 */
export function renderHostRules(plan: Plan): string {
  const { subnet, address, mss } = plan.wireguard;
  const exits = plan.exits;
  const sources = (chain: string) => [
    ...plan.directSources.map((source) => `${intervalText(source)} : goto ${chain}_direct`),
    ...exits.flatMap((exit) =>
      exit.sources.map((source) => `${intervalText(source)} : goto ${chain}_${chainName(exit)}`),
    ),
  ];
  const links = quoted([WG_INTERFACE, ...exits.map((exit) => exit.hostLink)]);

  const markChains = exits.map(
    (exit) => `
	chain mark_${chainName(exit)} {
		${setMark(exit.clientMark)}
		${setConnectionMark(exit.clientMark)}
	}
`,
  );
  const forwardChains = exits.map(
    (exit) => `
	chain forward_${chainName(exit)} {
		meta mark & ${OURS} == ${hex(exit.clientMark)} oifname "${exit.hostLink}" accept
		drop
	}
`,
  );

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

	# Which way a client's new connection leaves; the same intervals twice, so that the forward chain does not trust a mark.
	map mark_by_source {
		type ipv4_addr : verdict
		flags interval
		${elements(sources("mark"))}
	}

	map forward_by_source {
		type ipv4_addr : verdict
		flags interval
		${elements(sources("forward"))}
	}

	# A connection keeps the exit that it began on.
	chain mangle_prerouting {
		type filter hook prerouting priority mangle; policy accept;
		iifname != "${WG_INTERFACE}" accept
		ct state { established, related } ct mark & ${OURS} vmap { ${["0x00000000 : goto mark_direct", ...exits.map((exit) => `${hex(exit.clientMark)} : goto mark_${chainName(exit)}`)].join(", ")} }
		ct state new ip saddr vmap @mark_by_source
	}

	chain mark_direct {
		${setMark(0)}
	}
${markChains.join("")}
	# Queries of an exit's resolver go out through that exit; only towards port 53, never the answers, or they would loop.
	chain mangle_output {
		type route hook output priority mangle; policy accept;
${exits.map((exit) => `		ip saddr ${exit.hostAddress} ip daddr @upstreams ${DNS} ${setMark(exit.resolverMark)}\n`).join("")}	}

	# In both directions, in the SYN and its answer: nothing on the way has to fragment.
	chain mangle_forward {
		type filter hook forward priority mangle; policy accept;
		iifname "${WG_INTERFACE}" ${SYN} tcp option maxseg size set ${mss}
		oifname "${WG_INTERFACE}" ${SYN} tcp option maxseg size set ${mss}
	}

	# A client asks ${address}; who it is decides which resolver answers.
	chain nat_prerouting {
		type nat hook prerouting priority dstnat; policy accept;
${exits.map((exit) => `		iifname "${WG_INTERFACE}" ip daddr ${address} meta mark & ${OURS} == ${hex(exit.clientMark)} ${DNS} dnat ip to ${exit.hostAddress}\n`).join("")}	}

	chain nat_postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr ${subnet} oifname @uplinks masquerade
${exits.map((exit) => `		ip saddr ${exit.network} oifname @uplinks masquerade\n`).join("")}	}

	chain filter_forward {
		type filter hook forward priority filter; policy accept;
		iifname "${WG_INTERFACE}" goto forward_from_clients
${exits.map((exit) => `		iifname "${exit.hostLink}" goto forward_from_${chainName(exit)}\n`).join("")}		oifname { ${links} } goto forward_inward
	}

	chain forward_from_clients {
		meta nfproto ipv6 reject with icmpv6 admin-prohibited
		ip saddr != ${subnet} drop
		oifname "${WG_INTERFACE}" ip daddr ${subnet} accept
		ip daddr 169.254.0.0/16 reject with icmp admin-prohibited
		ip daddr @local_networks oifname @uplinks accept
		ip saddr vmap @forward_by_source
		drop
	}

	chain forward_direct {
		ct mark & ${OURS} == 0x00000000 oifname @uplinks accept
		drop
	}
${forwardChains.join("")}${exits
    .map(
      (exit) => `
	# Out: OpenVPN's own packets, which the namespace holds to the provider's address and port. In: answers to the exit's clients.
	chain forward_from_${chainName(exit)} {
		ip saddr ${exit.namespaceAddress} oifname @uplinks accept
		oifname "${WG_INTERFACE}" ct state { established, related } ct mark & ${OURS} == ${hex(exit.clientMark)} accept
		drop
	}
`,
    )
    .join("")}
	chain forward_inward {
		ct state { established, related } accept
		drop
	}

	chain filter_input {
		type filter hook input priority filter; policy accept;
		iifname "${WG_INTERFACE}" goto input_from_clients
${exits.map((exit) => `		iifname "${exit.hostLink}" goto input_from_${chainName(exit)}\n`).join("")}		ip saddr { ${[subnet, ...exits.map((exit) => exit.network)].join(", ")} } iifname @uplinks drop
	}

	chain input_from_clients {
		ct state { established, related } accept
		ip saddr ${subnet} ct original ip daddr ${address} ${DNS} accept
		ip saddr ${subnet} ip daddr ${address} icmp type echo-request accept
		reject with icmpx admin-prohibited
	}
${exits
  .map(
    (exit) => `
	chain input_from_${chainName(exit)} {
		ct state { established, related } accept
		ip saddr ${exit.namespaceAddress} ip daddr ${exit.hostAddress} ${DNS} accept
		ip saddr ${exit.namespaceAddress} ip daddr ${exit.hostAddress} icmp type echo-request accept
		drop
	}
`,
  )
  .join("")}
	# What a resolver of an exit says goes to its exit or to a client, whatever mark was lost. After routing, for the output hook
	# still shows the device of before the mark.
	chain filter_postrouting {
		type filter hook postrouting priority filter; policy accept;
${exits.map((exit) => `		ip saddr ${exit.hostAddress} oifname != { "lo", "${WG_INTERFACE}", "${exit.hostLink}" } drop\n`).join("")}	}
`);
}
