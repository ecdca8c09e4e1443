/**
 * What becomes of each option of a provider's profile. One that stands in none of these sets is refused, for nobody has looked at it.
 * The names are OpenVPN 2.6's (`man 8 openvpn`).
 */
const names = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Runs programs, loads code or reads other files: refused, since the profile comes from outside and OpenVPN runs with privileges. */
export const refused = names(`
  up down route-up route-pre-down ipchange tls-verify auth-user-pass-verify client-connect client-disconnect learn-address
  client-crresponse tls-crypt-v2-verify plugin iproute management config cd chroot askpass pkcs11-providers engine
  providers tls-export-cert tmp-dir capath`);

/**
 * What many providers' `up` and `down` name: the distributions' scripts that enter the provider's resolvers. The gateway has its own, so
 * that the lines are left out; any other script is refused.
 */
export const resolverScripts: ReadonlySet<string> = new Set([
  "/etc/openvpn/update-resolv-conf",
  "/etc/openvpn/update-systemd-resolved",
]);

/** Unknown to OpenVPN 2.6, which stops at them (tried with 2.6.14), and what they wanted is lost without them. */
export const rejected = names("no-iv tls-remote compat-names no-name-remapping");

/**
 * Decided by the gateway itself: silently replaced by its own line, or of no use in a namespace. Among them are options that 2.6 does not
 * know and does not need: `key-method` has one value left, `ncp-disable` none, and the ciphers left have keys of one size.
 */
export const replaced = names(`
  remote proto port rport lport nobind bind local dev dev-type dev-node client auth-user-pass auth-retry auth-nocache
  script-security redirect-gateway redirect-private dhcp-option dns block-outside-dns block-ipv6 route route-ipv6 route-delay
  route-method route-metric route-gateway route-noexec route-nopull max-routes ifconfig-ipv6 ifconfig-nowarn pull-filter
  register-dns resolv-retry persist-tun persist-key persist-remote-ip persist-local-ip connect-retry connect-retry-max
  server-poll-timeout connect-timeout remote-random remote-random-hostname verb mute log log-append syslog status daemon user
  group writepid ping ping-restart ping-exit ping-timer-rem keepalive mssfix tun-mtu link-mtu tun-mtu-extra tun-ipv6
  explicit-exit-notify fast-io nice up-delay up-restart down-pre machine-readable-output suppress-timestamps setenv
  push-peer-info windows-driver disable-dco disable-occ ignore-unknown-option mute-replay-warnings float txqueuelen mlock rcvbuf
  sndbuf passtos setenv-safe keysize key-method ncp-disable`);

/** Says how to speak to the provider: passed on. */
export const passed = names(`
  tls-client pull ca cert key pkcs12 extra-certs tls-auth tls-crypt tls-crypt-v2 key-direction cipher data-ciphers
  data-ciphers-fallback ncp-ciphers auth tls-cipher tls-ciphersuites tls-groups ecdh-curve tls-version-min tls-version-max
  tls-cert-profile remote-cert-tls remote-cert-ku remote-cert-eku ns-cert-type verify-x509-name x509-username-field verify-hash
  peer-fingerprint crl-verify comp-lzo compress allow-compression comp-noadapt compat-mode fragment topology reneg-sec reneg-bytes
  reneg-pkts tran-window tls-timeout hand-window tls-exit replay-window mtu-disc socket-flags keying-material-exporter
  allow-pull-fqdn`);

/** Options of {@link passed} whose argument is a file; the gateway has no such file, so it must stand inline. */
export const fileOptions = names("ca cert key pkcs12 extra-certs tls-auth tls-crypt tls-crypt-v2 crl-verify");

/** Options of {@link passed} that may stand as a block. */
export const inlineOptions: ReadonlySet<string> = new Set([...fileOptions, "peer-fingerprint", "verify-hash"]);
