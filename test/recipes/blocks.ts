import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { existing, hostKey, parse, PROFILE, publicKey, vpn } from "../gateway/settingsFixtures";

const projectDir = join(__dirname, "..", "..");

/** A text of the project. @param path from its folder */
export const document = (path: string): string => readFileSync(join(projectDir, path), "utf8");

export type StackSettings = Readonly<Record<string, unknown>>;

/** A block of settings in a document. */
export interface Block {
  /** The heading it stands below. */
  readonly section: string;
  /** Which of its section's blocks it is, from 0. */
  readonly index: number;
  /** Both, for people. */
  readonly title: string;
  /** The stack's keys without the project's name. */
  readonly settings: StackSettings;
}

/** The settings of a stack's file, or of what stands below `config:` in one. Other namespaces than ours are left out. */
export function settingsOf(text: string): StackSettings {
  // What a reader puts an own value for.
  const filled = text.replace("ssh-ed25519 AAAA...", hostKey);
  const raw = parseYaml(filled) as { config?: StackSettings } & StackSettings;
  const config = raw.config ?? raw;
  const own = Object.entries(config).filter(([key]) => key.startsWith("wg-gateway:"));
  return Object.fromEntries(own.map(([key, value]) => [key.slice("wg-gateway:".length), value]));
}

/** Every yaml block of a text in Markdown, also those inside of lists. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let section = "";
  let block: { indent: string; lines: string[]; yaml: boolean } | undefined;
  for (const line of markdown.split("\n")) {
    const fence = /^( *)```(\w*)$/.exec(line);
    if (block && fence?.[1] === block.indent && fence[2] === "") {
      const index = blocks.filter((other) => other.section === section).length;
      const title = `${section}, block ${index + 1}`;
      if (block.yaml) blocks.push({ section, index, title, settings: settingsOf(block.lines.join("\n")) });
      block = undefined;
    } else if (block) block.lines.push(line.slice(block.indent.length));
    else if (fence) block = { indent: fence[1] ?? "", lines: [], yaml: /^ya?ml$/.test(fence[2] ?? "") };
    else section = /^#+ (.*)$/.exec(line)?.[1] ?? section;
  }
  if (block) throw new Error(`a block of "${section}" is never closed`);
  return blocks;
}

const wireGuardProfile = `[Interface]
PrivateKey = ${publicKey(1)}
Address = 10.66.0.2/32, fd66::2/128
DNS = 10.66.0.1

[Peer]
PublicKey = ${publicKey(2)}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = provider.example:51820
`;

/** Stands in for whatever file settings name. */
function standIn(path: string): string {
  if (path.endsWith(".ovpn")) return PROFILE;
  if (path.endsWith(".conf")) return wireGuardProfile;
  return path.endsWith(".pub") ? hostKey : "private";
}

/** What the program makes of a block, with a host and an exit where it shows none. @throws SettingsError */
export function read({ credentials, ...shown }: StackSettings): ReturnType<typeof parse> {
  const settings = { host: existing, exits: [vpn], ...shown };
  const { privateKeyFile = "", hostKey: key = "" } = settings.host as { privateKeyFile?: string; hostKey?: string };
  const paths = [...(settings.exits as { profile: string }[]).map(({ profile }) => profile), privateKeyFile, key];
  return parse(settings, credentials, Object.fromEntries(paths.map((path) => [path, standIn(path)])));
}
