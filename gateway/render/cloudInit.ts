/**
 * User data of a new machine (cloud-init, https://cloudinit.readthedocs.io, modules `ssh` and `package-update-upgrade-install`).
 * Minimal on purpose: it only makes the machine prove who it is; everything else is the release's work.
 * JSON is YAML, so nothing has to be quoted by hand.
 */
export function renderUserData(hostKey: { readonly privateKey: string; readonly publicKey: string }): string {
  const config = {
    ssh_deletekeys: true,
    ssh_genkeytypes: [] as string[],
    ssh_keys: { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey },
    ssh_pwauth: false,
    disable_root: true,
    package_update: false,
    package_upgrade: false,
  };
  return `#cloud-config\n${JSON.stringify(config, null, 2)}\n`;
}
