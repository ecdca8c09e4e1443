import { expect, it } from "vitest";
import { ec2, existing, faultsOf, vpn, type Raw } from "./settingsFixtures";

/** Settings with one fault, the key it names, and pieces of what it says. */
interface Case {
  readonly raw: Raw;
  readonly credentials?: unknown;
  readonly key: string;
  readonly allowed: string;
  readonly mend: string;
}

export const withHost = (host: unknown): Raw => ({ host });
export const withEc2 = (part: Raw): Raw => withHost({ ...ec2, ...part });
export const withExisting = (part: Raw): Raw => withHost({ ...existing, ...part });
export const withClients = (...clients: unknown[]): Raw => ({ host: ec2, clients });
export const withClient = (part: Raw): Raw => withClients({ name: "phone", address: "10.4.0.50", ...part });
export const withExits = (...exits: Raw[]): Raw => ({ host: ec2, exits });
export const withExit = (part: Raw): Raw => withExits({ ...vpn, ...part });
export const withRule = (part: Raw): Raw => ({ host: ec2, exits: [vpn], rules: [{ exit: "vpn", ...part }] });
export const withDns = (dns: unknown): Raw => ({ host: ec2, dns });
export const withWireguard = (wireguard: unknown): Raw => ({ host: ec2, wireguard });
export const withLocal = (localNetworks: unknown, more: Raw = {}): Raw => ({ host: ec2, localNetworks, ...more });

/** A row of {@link holds}. */
export const fault = (raw: Raw, key: string, allowed: string, mend: string, credentials?: unknown): Case => ({
  raw,
  key,
  allowed,
  mend,
  credentials,
});

/** Tests, by their names: each fault is told, alone, in words that help. */
export function holds(cases: Readonly<Record<string, Case>>): void {
  it.each(Object.entries(cases))("%s", (_, { raw, credentials, key, allowed, mend }) => {
    const { faults, message } = faultsOf(raw, credentials);
    expect(faults.map((found) => found.key)).toEqual([key]);
    expect(faults[0]?.allowed).toContain(allowed);
    expect(faults[0]?.mend).toContain(mend);
    expect(message).toContain(`wg-gateway:${key} `);
    expect(message.includes("is an unknown setting")).toBe(faults[0]?.allowed.startsWith("one of the keys ") === true);
    expect(message).toContain(faults[0]?.allowed);
    expect(message).toContain(faults[0]?.mend);
    // Zod's own words say nothing to whoever writes a stack's configuration.
    expect(message).not.toMatch(/Invalid (input|key)|Unrecognized|Too (small|big)|expected /);
  });
}
