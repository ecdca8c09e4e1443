import type { Sides } from "./exchange";

/*
 * What somebody would set up by hand, beside the gateway on the same machine, with the same WireGuard and an OpenVPN client in the same
 * namespace. Unless it is said otherwise, it is the same client: they differ by nftables rules and ip rules.
 */

/** Where a plain resolver is asked, beside the gateway's. */
export const PLAIN_PORT = 5300;

/** Adds or takes away ip rules. @param rules a command that writes one a line */
export const eachRule = (verb: "add" | "del", rules: string): string =>
  `${rules} | sed 's/^/rule ${verb} /' | ip -batch -`;
/** Writes the ip rules of the release that is deployed. */
export const gatewayRules = "cat /etc/wg-gateway/rules /etc/wg-gateway/exits/*/rules";

/** A rule that translates what leaves by a device. */
export const masqueradeTable = (device: string): string =>
  `table ip bare { chain postrouting { type nat hook postrouting priority srcnat; oifname ${device} masquerade; }; }`;

/** Exchanges a namespace's rules for that one. @param inside how a command is run there */
const masquerade = (device: string, inside = ""): string => `${inside}nft -f - <<'END'
${masqueradeTable(device)}
delete table inet wg_gateway
END`;

const IN_NAMESPACE = "ip netns exec vpn_ns ";
/** The host's rules, with the uplinks of this moment. */
export const loadGateway = "/usr/local/lib/wg-gateway/firewall.sh open";
const loadNamespace = `cat /etc/wg-gateway/exits/vpn/namespace.nft /run/wg-gateway/exits/vpn/provider.nft | ${IN_NAMESPACE}nft -f -`;
const openGateway = `${loadGateway}; nft delete table ip bare`;
const openNamespace = `${loadNamespace}
  ${IN_NAMESPACE}nft delete table ip bare`;

/** wg-quick with one masquerade rule: the direct clients' way alone. */
export const bareDirect: Sides = {
  ours: `${eachRule("add", gatewayRules)}; ${openGateway}`,
  base: `${masquerade("ens5")}
    ${eachRule("del", gatewayRules)}`,
};

/**
 * Besides, the upper half of the clients routed into the namespace, and out of it by another masquerade rule: no filter, no marks, no
 * clamping. The third ip rule is for a resolver that asks through the tunnel, from the veth's address. None has a port in it: where one has,
 * the kernel reads the ports of each packet that it routes.
 */
export const bareIpRules = [
  "priority 100 to 10.4.0.0/24 lookup main",
  "priority 200 from 10.4.0.128/25 lookup 200",
  "priority 201 from 10.200.1.1 lookup 200",
];
const bareRules = `printf '%s\\n' ${bareIpRules.map((rule) => `'${rule}'`).join(" ")}`;

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

const loadAgain = `${loadGateway}
    ${loadNamespace}`;
/** The gateway's rules on both sides, loaded anew at each turn. */
export const same: Sides = { ours: loadAgain, base: loadAgain };

/** What the gateway's own configuration of the client has for the sake of its speed, or because releases differ in it. */
const TUNING = "^(fast-io|rcvbuf|mssfix)( |$)";
const configuration = "/etc/wg-gateway/exits/vpn/openvpn.conf";

/** Begun anew while the gateway's rules stand, for these let it out to the provider. */
const restartClient = `systemctl restart wg-gateway-exit@vpn
  timeout 30 bash -c 'until ip -n vpn_ns route show default | grep -q tun0; do sleep 0.1; done'`;

/** Besides, the client as the provider's profile has it. */
export const bareProfile: Sides = {
  ours: `${bare.ours}
    mv /root/openvpn.conf ${configuration}
    ${restartClient}`,
  base: `cp -p ${configuration} /root/openvpn.conf
    grep -qE '${TUNING}' ${configuration}
    sed -i -E '/${TUNING}/d' ${configuration}
    ${restartClient}
    ${bare.base}`,
};
