import type { Sides } from "./exchange";

/*
 * What somebody would set up by hand, beside the gateway on the same machine, with the same WireGuard and the same OpenVPN client in the
 * same namespace: it differs by nftables rules and ip rules alone.
 */

const eachRule = (verb: "add" | "del", rules: string): string => `${rules} | sed 's/^/rule ${verb} /' | ip -batch -`;
const gatewayRules = "cat /etc/wg-gateway/rules /etc/wg-gateway/exits/*/rules";

/** Exchanges a namespace's rules for one that translates what leaves by a device. @param inside how a command is run there */
const masquerade = (device: string, inside = ""): string => `${inside}nft -f - <<'END'
table ip bare { chain postrouting { type nat hook postrouting priority srcnat; oifname ${device} masquerade; }; }
delete table inet wg_gateway
END`;

const IN_NAMESPACE = "ip netns exec vpn_ns ";
const openGateway = "/usr/local/lib/wg-gateway/firewall.sh open; nft delete table ip bare";
const openNamespace = `cat /etc/wg-gateway/exits/vpn/namespace.nft /run/wg-gateway/exits/vpn/provider.nft | ${IN_NAMESPACE}nft -f -
  ${IN_NAMESPACE}nft delete table ip bare`;

/** wg-quick with one masquerade rule: the direct clients' way alone. */
export const bareDirect: Sides = {
  ours: `${eachRule("add", gatewayRules)}; ${openGateway}`,
  base: `${masquerade("ens5")}
    ${eachRule("del", gatewayRules)}`,
};

/**
 * Besides, the upper half of the clients routed into the namespace, and out of it by another masquerade rule: no filter, no marks, no
 * clamping. The third ip rule is for a resolver that asks through the tunnel, from the veth's address.
 */
const bareRules = `printf '%s\\n' 'priority 100 to 10.4.0.0/24 lookup main' 'priority 200 from 10.4.0.128/25 lookup 200' \\
  'priority 201 from 10.200.1.1 ipproto udp dport 53 lookup 200'`;

export const bare: Sides = {
  ours: `${eachRule("add", gatewayRules)}
    ${openGateway}
    ${openNamespace}
    ${eachRule("del", bareRules)}`,
  base: `${eachRule("add", bareRules)}
    ${masquerade("ens5")}
    ${masquerade("tun0", IN_NAMESPACE)}
    ${eachRule("del", gatewayRules)}`,
};
