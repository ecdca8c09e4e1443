import { readFileSync } from "node:fs";

import type { Host } from "./host";
import { stateFolder, statePath } from "./state";

/** An ed25519 key pair in OpenSSH's formats. */
export interface SshKey {
  /** PEM, with a newline at its end. */
  readonly privateKey: string;
  /** As "ssh-ed25519 AAAA... NAME". */
  readonly publicKey: string;
}

/** The keys a lab is opened with. */
export interface LabKeys {
  /** What the deployment logs in with; `ssh/id_ed25519` in the state directory. */
  readonly user: SshKey;
  /** What the machine shows; `ssh/host_ed25519` in the state directory. */
  readonly host: SshKey;
}

const names = { user: "id_ed25519", host: "host_ed25519" } as const;

/** Makes both keys and writes them to the state directory. */
export async function createKeys(host: Host): Promise<LabKeys> {
  const folder = stateFolder("ssh");
  // ssh-keygen, since the ssh2 package cuts a leading zero byte off: one of 256 of its keys is none.
  const make = `ssh-keygen -q -t ed25519 -N "" -C wg-gateway-lab -f`;
  const script = Object.values(names).map((name) => `${make} ${folder}/${name}\n`);
  await host.must(["sh", "-eu"], { input: script.join("") });
  return readKeys();
}

/** The keys of a standing lab. */
export function readKeys(): LabKeys {
  const get = (name: string): SshKey => ({
    privateKey: readFileSync(statePath("ssh", name), "utf8"),
    publicKey: readFileSync(statePath("ssh", `${name}.pub`), "utf8").trim(),
  });
  return { user: get(names.user), host: get(names.host) };
}

/** The least user data with which the machine is reached: it brings the host key that is known beforehand. */
export function minimalUserData(keys: LabKeys): string {
  const indented = keys.host.privateKey.trim().replace(/^/gm, "    ");
  return `#cloud-config\nssh_keys:\n  ed25519_private: |\n${indented}\n  ed25519_public: ${keys.host.publicKey}\n`;
}
