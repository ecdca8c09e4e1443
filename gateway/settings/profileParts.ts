import { isAddress } from "./address";

/** Where a provider listens; one `remote` line of its profile. */
export interface Remote {
  /** DNS name or IPv4 address. */
  readonly host: string;
  /** 1..65535; OpenVPN's default is 1194. */
  readonly port: number;
  readonly protocol: "udp" | "tcp";
}

/** What is wrong with a profile, with the line (from 1) where there is one. Never quotes what may be key material. */
export interface ProfileFinding {
  readonly line?: number;
  readonly problem: string;
  readonly mend: string;
}

/** What stops a profile from being used, and what it can be used in spite of. */
export interface Verdict {
  readonly findings: readonly ProfileFinding[];
  readonly warnings: readonly ProfileFinding[];
}

/** A profile as read. It is usable only when `findings` is empty; `warnings` say what weakens it or will end its use. */
export interface ReadProfile<Profile> extends Verdict {
  readonly profile: Profile;
}

/** A file that stands as a block in a profile. */
export interface InlineFile {
  /** The block's name, such as `ca`. */
  readonly name: string;
  /** The line that opens the block, from 1; its rows follow. */
  readonly line: number;
  readonly rows: readonly string[];
}

/** All verdicts as one. */
export const together = (verdicts: readonly Partial<Verdict>[]): Verdict => ({
  findings: verdicts.flatMap(({ findings = [] }) => findings),
  warnings: verdicts.flatMap(({ warnings = [] }) => warnings),
});

/** A warning when every remote is a name: the host looks names up before each start of the client, and may have no answer. */
export function namesOnly(remotes: readonly Remote[], line: number | undefined, mend: string): ProfileFinding[] {
  if (remotes.length === 0 || remotes.some(({ host }) => isAddress(host))) return [];
  const problem = "the provider is known by name only, so that the exit cannot start while the host's DNS fails";
  return [{ ...(line !== undefined && { line }), problem, mend }];
}
