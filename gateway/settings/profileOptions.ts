/** What becomes of an option of a provider's profile. */
export interface OptionRule {
  /**
   * `passed`: OpenVPN gets the option. `read`: the gateway reads the option and writes a line of its own. `dropped`: the option is left out.
   * `refused`: the profile is not taken.
   */
  readonly treatment: "passed" | "read" | "dropped" | "refused";
  /** Ends the sentence that the option begins: "`up` runs a script ...". */
  readonly reason: string;
  /** Of a refused option: what to do. */
  readonly fix?: string;
}

interface Group extends OptionRule {
  readonly names: string;
}

const takeOut = "take the line out";
const takeOutIfItWorks = "take the line out if the provider works without it";
const clientProfile = "ask the provider for a profile for customers";
const newerProfile = "take the line out, or ask the provider for a newer profile";
const direct = "ask the provider for a profile without a proxy";

/**
 * Every option of OpenVPN 2.6 and 2.7: their option parser (add_option in options.c) and `openvpn --help` name them. `keysize`,
 * `key-method`, `ncp-disable`, `no-iv` and `tls-remote` are of older releases; providers' files still have them.
 */
const groups: readonly Group[] = [
  {
    treatment: "passed",
    reason: "says how to speak to the provider",
    names: `tls-client pull ca cert key pkcs12 extra-certs tls-auth tls-crypt tls-crypt-v2 key-direction auth tls-cipher
      tls-ciphersuites tls-groups ecdh-curve tls-version-min tls-version-max tls-cert-profile remote-cert-tls remote-cert-ku
      remote-cert-eku ns-cert-type verify-x509-name x509-username-field verify-hash peer-fingerprint crl-verify comp-lzo compress
      allow-compression comp-noadapt compat-mode fragment topology reneg-sec reneg-bytes reneg-pkts tran-window tls-timeout
      hand-window tls-exit replay-window mtu-disc socket-flags tcp-nodelay keying-material-exporter allow-pull-fqdn`,
  },
  {
    treatment: "read",
    reason: "says where the provider is",
    names: "remote proto port rport connection",
  },
  {
    treatment: "read",
    reason: "says what the gateway writes in its own words",
    names: `dev dev-type auth-user-pass setenv ignore-unknown-option mssfix cipher data-ciphers data-ciphers-fallback ncp-ciphers`,
  },
  {
    treatment: "dropped",
    reason: "sets the tunnel's device, which is the gateway's own",
    names: `dev-node ifconfig ifconfig-nowarn ifconfig-ipv6 tun-mtu link-mtu tun-mtu-extra tun-mtu-max tun-ipv6 txqueuelen up-delay
      udp-mtu mtu-test mtu-dynamic max-packet-size lladdr windows-driver win-sys tap-sleep ip-win32 allow-nonadmin pause-exit service
      show-net-up dhcp-renew dhcp-release dhcp-pre-release dhcp-internal rdns-internal`,
  },
  {
    treatment: "dropped",
    reason: "sets routes or resolvers, which are the gateway's own",
    names: `redirect-gateway redirect-private dhcp-option dns block-outside-dns block-ipv6 route route-ipv6 route-delay route-method
      route-metric route-gateway route-ipv6-gateway route-noexec route-nopull route-table max-routes pull-filter register-dns
      ip-remote-hint stale-routes-check allow-recursive-routing`,
  },
  {
    treatment: "dropped",
    reason: "sets the socket, which is the gateway's own",
    names: "lport nobind bind bind-dev local multihome mark float fast-io rcvbuf sndbuf passtos preresolve proto-force",
  },
  {
    treatment: "dropped",
    reason: "says when to give up or to begin anew, which the gateway decides",
    names: `resolv-retry persist-tun persist-key persist-remote-ip persist-local-ip connect-retry connect-retry-max
      server-poll-timeout connect-timeout remote-random remote-random-hostname ping ping-restart ping-exit ping-timer-rem keepalive
      inactive session-timeout explicit-exit-notify auth-retry remap-usr1 single-session up-restart down-pre`,
  },
  {
    treatment: "dropped",
    reason: "sets how the process runs or what it logs, which the gateway decides",
    names: `client script-security auth-nocache verb mute log log-append syslog status status-version daemon user group writepid nice
      mlock machine-readable-output suppress-timestamps errors-to-stderr echo parameter msg-channel gremlin memstats setcon
      replay-persist mute-replay-warnings setenv-safe push-peer-info disable-dco disable-occ opt-verify shaper bcast-buffers prng
      use-prediction-resistance auth-user-pass-optional x509-track`,
  },
  {
    treatment: "dropped",
    reason: "is a server's to push",
    names: `auth-token auth-token-user peer-id protocol-flags key-derivation push-continuation override-username
      force-tls-key-material-export`,
  },
  {
    treatment: "dropped",
    reason: "has lost its meaning in OpenVPN 2.6",
    names: "keysize key-method ncp-disable",
  },
  {
    treatment: "refused",
    reason: "runs a script or a plugin, or reads other files, on the gateway",
    fix: takeOut,
    names: `up down route-up route-pre-down ipchange tls-verify auth-user-pass-verify client-connect client-disconnect learn-address
      client-crresponse tls-crypt-v2-verify plugin iproute dns-updown config cd chroot askpass pkcs11-providers engine providers
      tls-export-cert tmp-dir capath`,
  },
  {
    treatment: "refused",
    reason: "lets another program control the client",
    fix: takeOut,
    names: `management management-client management-client-auth management-client-group management-client-user management-external-cert
      management-external-key management-forget-disconnect management-hold management-log-cache management-query-passwords
      management-query-proxy management-query-remote management-signal management-up-down`,
  },
  {
    treatment: "refused",
    reason: "goes through a proxy: out of the exit's namespace the gateway lets packets to the provider alone",
    fix: direct,
    names: `http-proxy http-proxy-option http-proxy-override http-proxy-retry http-proxy-timeout http-proxy-user-pass socks-proxy
      socks-proxy-retry`,
  },
  {
    treatment: "refused",
    reason: "needs a person, a smart card or a key store of Windows at each start",
    fix: "ask the provider for a profile with a user name and a password, or with a key in the file",
    names: `static-challenge cryptoapicert pkcs11-id pkcs11-id-management pkcs11-pin-cache pkcs11-cert-private pkcs11-private-mode
      pkcs11-protected-authentication`,
  },
  {
    treatment: "refused",
    reason: "is a server's option",
    fix: clientProfile,
    names: `mode server server-ipv6 server-bridge push push-reset push-remove tls-server dh tls-crypt-v2-max-age auth-gen-token
      auth-gen-token-secret ccd-exclusive client-config-dir client-to-client client-cert-not-required verify-client-cert
      username-as-common-name duplicate-cn connect-freq connect-freq-initial disable hash-size ifconfig-pool ifconfig-pool-persist
      ifconfig-push ifconfig-push-constraint ifconfig-ipv6-pool ifconfig-ipv6-push iroute iroute-ipv6 max-clients
      max-routes-per-client port-share tcp-queue-limit vlan-accept vlan-pvid vlan-tagging`,
  },
  {
    treatment: "refused",
    reason: "weakens the encryption in a way that OpenVPN 2.7 no longer knows",
    fix: newerProfile,
    names: "secret no-replay allow-deprecated-insecure-static-crypto",
  },
  {
    treatment: "refused",
    reason: "would leave the tunnel without the address that the provider gives",
    fix: takeOutIfItWorks,
    names: "ifconfig-noexec",
  },
  {
    treatment: "refused",
    reason: "translates addresses inside the tunnel, as the gateway does itself",
    fix: takeOutIfItWorks,
    names: "client-nat",
  },
  {
    treatment: "refused",
    reason: "makes OpenVPN do one thing and end",
    fix: takeOut,
    names: `help version genkey mktun rmtun test-crypto show-adapters show-ciphers show-curves show-digests show-engines show-gateway
      show-groups show-net show-pkcs11-ids show-tls show-valid-subnets`,
  },
  {
    treatment: "refused",
    reason: "is an option that OpenVPN 2.6 rejects",
    fix: newerProfile,
    names: "no-iv tls-remote compat-names no-name-remapping",
  },
];

const namesOf = (names: string): string[] => names.trim().split(/\s+/);

/** What becomes of each option. An option that is not here is refused, unless the profile itself lets OpenVPN skip it. */
export const optionRules: ReadonlyMap<string, OptionRule> = new Map(
  groups.flatMap(({ names, ...rule }) => namesOf(names).map((name) => [name, rule] as const)),
);

/** How often the table names an option; for its test. */
export const optionNames: readonly string[] = groups.flatMap(({ names }) => namesOf(names));

/**
 * What many providers' `up` and `down` name: the distributions' scripts that enter the provider's resolvers. The gateway has its own, so
 * that the lines are left out; any other script is refused.
 */
export const resolverScripts: ReadonlySet<string> = new Set([
  "/etc/openvpn/update-resolv-conf",
  "/etc/openvpn/update-systemd-resolved",
]);

/** Options whose argument is a file; the gateway has no such file, so that it must stand inline. */
export const fileOptions: ReadonlySet<string> = new Set(
  namesOf("ca cert key pkcs12 extra-certs tls-auth tls-crypt tls-crypt-v2 crl-verify"),
);

/** Passed options that may stand as a block. */
export const inlineOptions: ReadonlySet<string> = new Set([...fileOptions, "peer-fingerprint", "verify-hash"]);
