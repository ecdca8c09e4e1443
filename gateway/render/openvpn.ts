import type { ExitPlan } from "../plan/plan";
import type { Credentials } from "../settings/settings";
import type { OpenVpnProfile } from "../settings/profile";
import { CONFIG_DIR, LIB_DIR } from "./file";

/** Where a file of one exit lies. */
export const exitPath = (exit: ExitPlan, file: string): string => `${CONFIG_DIR}/exits/${exit.name}/${file}`;

/**
 * What may wait for the client, bytes: the system's default of 212,992 overflows at full speed. The kernel gives `net.core.rmem_max` at
 * most, and doubles it for what it needs itself (`man 7 socket`). For UDP alone: TCP's grows by itself, unless it is set.
 */
const RECEIVE_BUFFER = 524_288;

/**
 * The client's configuration: our own lines first, then what the provider's profile says of itself (`man 8 openvpn`).
 * There is no `remote`: exit-remotes.sh writes them as addresses into a file of its own, which the unit names beside this one.
 */
export function renderOpenVpn(exit: ExitPlan, provider: OpenVpnProfile): string {
  return [
    "client",
    "dev tun0",
    "dev-type tun",
    "nobind",
    // A failing provider is tried again for ever, quickly, and even after a spurious AUTH_FAILED; the unit starts the client anew,
    // with the names looked up again, when every remote has failed five times.
    "auth-retry nointeract",
    "connect-retry 1 10",
    "connect-retry-max 5",
    "connect-timeout 10",
    "persist-key",
    "auth-nocache",
    // Before a packet is written it is not asked whether that would block: 5 to 10 % of the processor time (`man 8 openvpn`). UDP alone.
    "fast-io",
    ...(provider.remotes.every(({ protocol }) => protocol === "udp") ? [`rcvbuf ${RECEIVE_BUFFER}`] : []),
    // Whatever the provider pushes, routes and names are ours.
    "route-noexec",
    'pull-filter ignore "redirect-gateway"',
    'pull-filter ignore "redirect-private"',
    'pull-filter ignore "dhcp-option"',
    'pull-filter ignore "dns "',
    'pull-filter ignore "ifconfig-ipv6"',
    'pull-filter ignore "route-ipv6"',
    'pull-filter ignore "block-outside-dns"',
    'pull-filter ignore "ping-restart"',
    "ping 5",
    "ping-restart 30",
    `mssfix ${provider.mssfix}`,
    "script-security 2",
    `up "${LIB_DIR}/tun-up.sh ${exit.name}"`,
    `log-append ${exit.log}`,
    "verb 3",
    ...(provider.wantsCredentials ? [`auth-user-pass ${exitPath(exit, "credentials")}`] : []),
    "",
    "# From the provider's profile",
    ...provider.lines,
    "",
  ].join("\n");
}

/** OpenVPN's file for auth-user-pass: user name, then password, a line each. */
export function renderCredentials({ username, password }: Credentials): string {
  return `${username}\n${password}\n`;
}

/** What exit-remotes.sh looks up: HOST PORT udp|tcp, one a line. */
export function renderRemotes(exit: ExitPlan): string {
  return exit.provider.remotes.map(({ host, port, protocol }) => `${host} ${port} ${protocol}\n`).join("");
}
