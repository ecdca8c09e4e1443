/** What a new machine is told about itself, by the path of the file. */
const files: Readonly<Record<string, string>> = {
  // First of the drop-ins, for the first word counts (`man 5 sshd_config`).
  "/etc/ssh/sshd_config.d/01-wg-gateway.conf":
    "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\nX11Forwarding no\n",
  // For unattended-upgrades, after its own file, which takes in Debian's other updates, too. Where this stands the release brings the
  // package (userdata/shared/packages.py): there a mirror that does not answer is waited for and named, and tried again.
  "/etc/apt/apt.conf.d/52-wg-gateway": `APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern { "origin=Debian,codename=\${distro_codename}-security,label=Debian-Security"; };
`,
};

/** The key that a machine proves itself by at first; it is replaced with the first connection (userdata/rotate-host-key.sh). */
export interface BootHostKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

/**
 * User data of a new machine (cloud-init, https://cloudinit.readthedocs.io, modules `write-files`, `ssh` and
 * `package-update-upgrade-install`). Minimal on purpose: it makes the machine prove who it is, let in keys alone and keep itself up to
 * date; everything else is the release's work. JSON is YAML, so nothing has to be quoted by hand.
 */
export function renderUserData(hostKey: BootHostKey): string {
  const config = {
    ssh_deletekeys: true,
    ssh_genkeytypes: [] as string[],
    ssh_keys: { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey },
    ssh_pwauth: false,
    disable_root: true,
    package_update: false,
    package_upgrade: false,
    write_files: Object.entries(files).map(([path, content]) => ({ path, content, permissions: "0644" })),
  };
  return `#cloud-config\n${JSON.stringify(config, null, 2)}\n`;
}
