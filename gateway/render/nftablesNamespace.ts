import { PROVIDER_MARK } from "../plan/ids";
import type { ExitPlan, Plan } from "../plan/plan";
import { intervalText } from "../settings/address";
import { ASSURED, DNS, elements, hex, indented, OURS, replaceTable, setConnectionMark, SYN } from "./nft";

/**
 * The rules inside an exit's namespace: nothing leaves by the veth but OpenVPN's packets to the provider.
 * As a file the set `provider` is empty; exit-remotes.sh adds where the provider's names lead today.
 */
export function renderNamespaceRules(plan: Plan, exit: ExitPlan): string {
  const clients = plan.wireguard.subnet;
  // A WireGuard provider's tunnel may be narrower than the clients', to which the host clamps.
  const mss = Math.min(plan.wireguard.mss, exit.provider.kind === "wireguard" ? exit.provider.mtu - 40 : Infinity);
  const back = `iifname "tun0" oifname "${exit.namespaceLink}"`;
  const clampedBack = mss < plan.wireguard.mss ? [`${back} ${ASSURED}`, `iifname "tun0" ${SYN} jump clamp_mss`] : [];
  return replaceTable(`	set provider {
		type ipv4_addr . inet_proto . inet_service
	}

	set clients {
		type ipv4_addr
		flags interval
		${elements(exit.sources.map(intervalText))}
	}

	# Whatever goes into the tunnel, as its own address.
	chain nat_postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "tun0" masquerade
	}

	chain filter_input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname "lo" accept
		iifname "${exit.namespaceLink}" ip saddr ${exit.hostAddress} icmp type echo-request accept
	}

	chain filter_forward {
		type filter hook forward priority filter; policy drop;
${indented([...clampedBack, `${back} ct state established,related accept`])}		iifname "${exit.namespaceLink}" oifname "tun0" goto forward_out
	}

	chain forward_out {
		ct state established,related accept
		${SYN} jump clamp_mss
		ip saddr @clients accept
		ip saddr ${exit.hostAddress} ${DNS} accept
		drop
	}

	chain clamp_mss {
		tcp option maxseg size set ${mss}
	}

	# Whether a connection goes to the provider is asked when it begins; its mark says so afterwards.
	chain filter_output {
		type filter hook output priority filter; policy drop;
		ct mark & ${OURS} == ${hex(PROVIDER_MARK)} accept
		oifname "${exit.namespaceLink}" ip daddr . meta l4proto . th dport @provider ${setConnectionMark(PROVIDER_MARK)} accept
		oifname "lo" accept
		oifname "tun0" accept
		oifname "${exit.namespaceLink}" ip daddr ${exit.hostAddress} ${DNS} accept
		oifname "${exit.namespaceLink}" ip daddr { ${exit.hostAddress}, ${clients} } ct state established,related accept
	}
`);
}
