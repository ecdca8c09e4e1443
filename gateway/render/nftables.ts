import { DIRECT_RESOLVER_PORT, WG_INTERFACE } from "../plan/ids";
import { type Plan, publicAddressesOf } from "../plan/plan";
import { chain, chainName, DNS, elements, indented, innerNetworks, replaceTable } from "./nft";
import { byResolver } from "./nftDecide";
import { forwardChains } from "./nftForward";
import { inputChains } from "./nftInput";
import { renderLookups } from "./nftLookup";
import { markChains } from "./nftMark";
import { publishedChain } from "./nftPublished";

/**
 * The host's rules. As a file they are shut: the set `uplinks` and the chain `to_uplink` are empty, so that nothing of a client leaves;
 * firewall.sh adds the uplinks it finds when the gateway is up.
 */
export function renderHostRules(plan: Plan): string {
  return replaceTable(`	# Interfaces with a default route. Empty at boot and after wg0-down.sh: then nothing is forwarded.
	set uplinks {
		type ifname
	}

	set upstreams {
		type ipv4_addr
		${elements(plan.dns.upstreams)}
	}

${markChains(plan)}${translationChains(plan)}
${forwardChains(plan)}${inputChains(plan)}${outputChains(plan)}`);
}

/** To the resolvers, to what is published on the machine, and out as one of its addresses. */
function translationChains(plan: Plan): string {
  const { address } = plan.wireguard;
  const published = plan.published.services.length > 0;
  const lookup = renderLookups(plan, "dns");
  const ofExits = plan.exits.map((exit) =>
    chain(`dns_${chainName(exit)}`, [`meta l4proto { tcp, udp } dnat ip to ${exit.hostAddress}`]),
  );
  return `
	# A client asks ${address}; who it is decides which resolver answers. The one that is found there learns local names alone. Where a
	# public address is translated outside of the machine, as on EC2, clients' packets for what is published there are for the machine.
	chain nat_prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "${WG_INTERFACE}" ip daddr ${address} ${DNS} goto dns_from_clients
${published ? `		iifname "${WG_INTERFACE}" ip daddr { ${publicAddressesOf(plan).join(", ")} } fib daddr type != local goto redirect_published\n` : ""}	}
${published ? publishedChain(plan, "redirect_published", "redirect", ["icmp type echo-request redirect"]) : ""}
	chain dns_from_clients {
${indented(lookup.rules)}	}
${lookup.chains}
	chain dns_direct {
		meta l4proto { tcp, udp } dnat ip to ${address}:${DIRECT_RESOLVER_PORT}
	}

	chain dns_block {
		accept
	}
${ofExits.join("")}
	chain nat_postrouting {
		type nat hook postrouting priority srcnat; policy accept;
${indented(innerNetworks(plan).map((network) => `ip saddr ${network} oifname @uplinks masquerade`))}	}
`;
}

/** For what leaves the machine. */
function outputChains(plan: Plan): string {
  const resolvers = byResolver(plan, "postrouting");
  const ofExits = plan.exits.map((exit) =>
    chain(`postrouting_of_${chainName(exit)}`, [
      ...[WG_INTERFACE, exit.hostLink, "lo"].map((link) => `oifname "${link}" accept`),
      "drop",
    ]),
  );
  return `
	# What a resolver of an exit says goes to its exit or to a client, whatever mark was lost. After routing, for the output hook
	# still shows the device of before the mark.
	chain filter_postrouting {
		type filter hook postrouting priority filter; policy accept;
${indented(resolvers.rules)}	}
${resolvers.chains}${ofExits.join("")}`;
}
