import { isAddress } from "./address";
import { isWireGuardKey } from "./fields";
import type { ProfileFinding, Remote } from "./profile";

/** What the gateway takes from a WireGuard provider's .conf file (`man 8 wg`, `man 8 wg-quick`). */
export interface WireGuardProfile {
  readonly kind: "wireguard";
  /** Where the provider listens; one. */
  readonly remotes: readonly Remote[];
  readonly wantsCredentials: false;
  /** The customer's IPv4 address in the tunnel. */
  readonly address: string;
  /** Bytes, 1280..1420. Default 1420. */
  readonly mtu: number;
  /** Key material: secrets. */
  readonly privateKey: string;
  readonly publicKey: string;
  readonly presharedKey: string | undefined;
}

/** wg-quick runs these in a shell: refused. */
const scripts = new Set(["preup", "postup", "predown", "postdown"]);
/** Decided by the gateway itself: its resolvers, its routes. */
const replaced = new Set(["dns", "table", "saveconfig", "fwmark", "listenport", "allowedips", "persistentkeepalive"]);

/**
 * Reads a WireGuard provider's .conf file.
 * @returns what the gateway uses of it, and everything that is wrong with it; it is usable only when `findings` is empty
 */
export function parseWireGuardProfile(text: string): { profile: WireGuardProfile; findings: ProfileFinding[] } {
  const findings: ProfileFinding[] = [];
  const values = new Map<string, { value: string; line: number }>();
  let section = "";
  let peers = 0;
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = index + 1;
    const content = raw.replace(/#.*/, "").trim();
    if (content === "") return;
    const opened = /^\[(interface|peer)\]$/i.exec(content)?.[1]?.toLowerCase();
    if (opened !== undefined) {
      section = opened;
      if (opened === "peer") peers += 1;
      if (peers > 1)
        findings.push({
          line,
          problem: "there is a second [Peer]",
          mend: "keep the one server that this exit shall use",
        });
      return;
    }
    const [, key = "", value = ""] = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(content) ?? [];
    const name = key.toLowerCase();
    if (scripts.has(name))
      findings.push({ line, problem: `\`${key}\` runs a command on the gateway`, mend: "take the line out" });
    else if (replaced.has(name)) return;
    else if (["privatekey", "address", "mtu", "publickey", "presharedkey", "endpoint"].includes(name) && section !== "")
      values.set(name, { value, line });
    else
      findings.push({
        line,
        problem: "the line is no setting of wg-quick that the gateway knows",
        mend: "take the line out",
      });
  });

  const get = (name: string) => values.get(name)?.value;
  const wrong = (name: string, problem: string, mend: string) =>
    findings.push({ ...(values.has(name) && { line: values.get(name)?.line }), problem, mend });
  const again = "download the provider's configuration again";

  for (const [name, shown] of [
    ["privatekey", "PrivateKey"],
    ["publickey", "PublicKey"],
  ] as const)
    if (!isWireGuardKey(get(name) ?? "")) wrong(name, `there is no whole ${shown}`, again);
  const presharedKey = get("presharedkey");
  if (presharedKey !== undefined && !isWireGuardKey(presharedKey))
    wrong("presharedkey", "PresharedKey is not whole", again);

  const address = (get("address") ?? "")
    .split(/\s*,\s*/)
    .map((one) => one.split("/")[0] ?? "")
    .find(isAddress);
  if (address === undefined) wrong("address", "there is no IPv4 Address", again);

  const [, host = "", port = ""] = /^(.+):(\d+)$/.exec(get("endpoint") ?? "") ?? [];
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(host) || Number(port) < 1 || Number(port) > 65535)
    wrong("endpoint", "there is no Endpoint HOST:PORT over IPv4", again);

  const mtu = Number(get("mtu") ?? 1420);
  if (!Number.isInteger(mtu) || mtu < 1280 || mtu > 1420)
    wrong("mtu", "MTU is not 1280..1420", "take the line out for 1420");

  return {
    profile: {
      kind: "wireguard",
      remotes: [{ host, port: Number(port), protocol: "udp" }],
      wantsCredentials: false,
      address: address ?? "0.0.0.0",
      mtu,
      privateKey: get("privatekey") ?? "",
      publicKey: get("publickey") ?? "",
      presharedKey,
    },
    findings,
  };
}
