import { BLOCK_MARK, DIRECT_MARK, WG_INTERFACE } from "../plan/ids";
import type { Plan } from "../plan/plan";
import {
  chain,
  chainName,
  DNS,
  hex,
  indented,
  innerNetworks,
  OURS,
  prohibitedNetworks,
  setConnectionMark,
  setMark,
  SYN,
} from "./nft";
import { byLink, byResolver, decideMark, decideNetwork, networkBranch } from "./nftDecide";
import { renderLookups } from "./nftLookup";

/** The rules for what comes to the machine, before it is routed, and for what its resolvers ask: who they are, and the marks of their ways. */
export function markChains(plan: Plan): string {
  const { exits } = plan;
  const { subnet } = plan.wireguard;
  const links = byLink(plan, "prerouting_from");
  const inner = networkBranch(
    "prerouting_inner",
    "ip saddr",
    innerNetworks(plan).map((network) => [network, 'iifname != "lo" drop']),
  );
  const kept = decideMark(
    "keep_exits",
    "ct mark",
    exits.map(({ clientMark }) => ({ first: clientMark, last: clientMark, verdict: `${setMark(clientMark)} accept` })),
  );
  // In one level, for many jumps may have led here.
  const unmarked = decideNetwork(
    "mark_prohibited",
    "ip daddr",
    prohibitedNetworks(plan).map((network) => [network, "accept"]),
    1,
  );
  const lookup = renderLookups(plan, "mark");
  const resolvers = byResolver(plan, "output");
  const marks = (mark: number, connectionMark: number = mark): string[] => [
    setMark(mark),
    setConnectionMark(connectionMark),
    "accept",
  ];
  const ofExits = exits.map((exit) => {
    const name = chainName(exit);
    return [
      `
	# The exit's own packets; answers to its clients; to its resolver; nothing else. Answers are marked like what they answer: the kernel,
	# which looks back at the source of a packet, then finds at once that this device leads there (\`src_valid_mark\`, see exit-up.sh).`,
      chain(`prerouting_from_${name}`, [
        `ip saddr ${exit.namespaceAddress} accept`,
        ...inner.rules,
        `ct mark & ${OURS} == ${hex(exit.clientMark)} ${setMark(exit.clientMark)} accept`,
        `ip daddr != ${exit.hostAddress} drop`,
      ]),
      chain(`mark_${name}`, ["jump mark_prohibited", ...marks(exit.clientMark)]),
      chain(`output_of_${name}`, [`${DNS} ip daddr @upstreams ${setMark(exit.resolverMark)}`]),
    ].join("");
  });
  return `	chain mangle_prerouting {
		type filter hook prerouting priority mangle; policy accept;
		iifname "${WG_INTERFACE}" goto prerouting_from_clients
${indented([...links.rules, ...inner.rules])}	}
${links.chains}
	# No inner address comes by another interface than its own.${inner.chains}
	# A connection keeps the exit that it began on, and its source, which was looked at then.
	chain prerouting_from_clients {
		ct mark & ${OURS} == ${hex(DIRECT_MARK)} accept
${indented(kept.rules)}		ip saddr != ${subnet} drop
		ct mark & ${OURS} == ${hex(0)} goto prerouting_new
	}
${kept.chains}
	chain prerouting_new {
		${SYN} jump clamp_mss
${indented(lookup.rules)}	}
${lookup.chains}
	# What no client may reach is not marked, and so leaves neither by an uplink nor by an exit.
	chain mark_prohibited {
${indented(unmarked.rules)}	}
${unmarked.chains}${chain("mark_direct", ["jump mark_prohibited", ...marks(0, DIRECT_MARK)])}${chain("mark_block", marks(BLOCK_MARK, 0))}
	# Queries of an exit's resolver go out through that exit; only towards port 53, never the answers, or they would loop.
	chain mangle_output {
		type route hook output priority mangle; policy accept;
${indented(resolvers.rules)}	}
${resolvers.chains}${ofExits.join("")}`;
}
