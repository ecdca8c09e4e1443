import { DIRECT_MARK, WG_INTERFACE } from "../plan/ids";
import type { ExitPlan, Plan } from "../plan/plan";
import { ASSURED, chain, chainName, hex, indented, OURS, prohibitedNetworks, SYN } from "./nft";
import { byLink, decideLink, decideNetwork } from "./nftDecide";
import { renderLookups } from "./nftLookup";

/** The rules for what goes through the machine, decided anew for each packet: by whom it comes from, and out of which device. */
export function forwardChains(plan: Plan): string {
  const { exits } = plan;
  const { subnet, mss, isolation } = plan.wireguard;
  const from = byLink(plan, "forward_from");
  const to = decideLink(
    "forward_to_exits",
    "oifname",
    exits.map((exit) => [exit.hostLink, "goto forward_inward"]),
  );
  // In one level each, for many jumps may have led here.
  const rejected = decideNetwork(
    "forward_prohibited",
    "ip daddr",
    prohibitedNetworks(plan).map((network) => [network, "goto forward_prohibited"]),
    1,
  );
  const local = decideNetwork(
    "forward_local",
    "ip daddr",
    plan.localNetworks.map((network) => [network, "jump to_uplink"]),
    1,
  );
  const lookup = renderLookups(plan, "forward");
  const leavesDirect = `ct mark & ${OURS} == ${hex(DIRECT_MARK)} jump to_uplink`;
  const leavesBy = (exit: ExitPlan): string =>
    `meta mark & ${OURS} == ${hex(exit.clientMark)} oifname "${exit.hostLink}" accept`;
  const ofExits = exits.map((exit) =>
    [
      chain(`forward_${chainName(exit)}`, [
        leavesBy(exit),
        "jump forward_elsewhere",
        `ct mark & ${OURS} != ${hex(exit.clientMark)} meta l4proto tcp reject with tcp reset`,
        "drop",
      ]),
      `
	# OpenVPN's own packets, which the namespace holds to the provider's address and port.`,
      chain(`forward_from_${chainName(exit)}`, [`ip saddr ${exit.namespaceAddress} jump to_uplink`, "drop"]),
    ].join(""),
  );
  return `	chain filter_forward {
		type filter hook forward priority filter; policy accept;
		iifname "${WG_INTERFACE}" goto forward_from_clients
		oifname "${WG_INTERFACE}" goto forward_to_clients
${indented([...from.rules, ...to.rules])}		iifname @uplinks oifname @uplinks goto forward_neighbours
	}
${from.chains}${to.chains}
	# In the SYN of a client and in the answer to it: nothing on the way has to fragment.
	chain clamp_mss {
		tcp option maxseg size set ${mss}
	}

	# Through this machine to elsewhere. Empty: as the machine itself decides; firewall.sh adds \`drop\` where it forwarded nothing before.
	chain forward_neighbours {
	}

	chain forward_from_clients {
${indented(lookup.rules)}		goto forward_foreign
	}
${lookup.chains}
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

	# Of what an exit sends, answers on its own clients' connections alone come here: \`prerouting_from_...\`.
	chain forward_to_clients {
		${ASSURED}
		${SYN} jump clamp_mss
		goto forward_inward
	}

	chain forward_inward {
		ct state established,related accept
		drop
	}
${ofExits.join("")}`;
}
