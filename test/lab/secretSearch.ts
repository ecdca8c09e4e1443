import { expect } from "vitest";
import type { Machine } from "../../lab/machine";

export const PLANTED = "planted-where-no-secret-belongs";

/** What there is to find, by what it is, and where a search for it must be able to find something. */
export class Secrets {
  readonly all: Record<string, string> = { planted: PLANTED };

  /** Names of those that stand in a text. */
  found(text: string): string[] {
    return Object.keys(this.all).filter((name) => text.includes(this.all[name]!));
  }

  /** Nothing is found in a text, but what is planted in it is. */
  expectNone(text: string): void {
    expect({ without: this.found(text), withPlanted: this.found(text + PLANTED) }).toEqual({
      without: [],
      withPlanted: ["planted"],
    });
  }

  /** All of them are texts that would not stand anywhere by chance, each another. */
  expectToBeFindable(): void {
    for (const [name, secret] of Object.entries(this.all)) expect(secret.length, name).toBeGreaterThan(15);
    expect(new Set(Object.values(this.all)).size).toBe(Object.keys(this.all).length);
  }
}

/** Writes what every process is called and has as its environment to /run/seen, until /run/seen.stop is there. */
const WATCH = `
import glob, os
seen = set()
while not os.path.exists("/run/seen.stop"):
    for name in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            seen.add(open(name, "rb").read())
        except OSError:
            pass
open("/run/seen", "wb").write(b"\\n".join(seen))
`;

/** Watches a machine's processes. @returns what ends it, and gives their arguments and environments, a planted process's among them */
export async function watchProcesses(machine: Machine): Promise<() => Promise<string>> {
  const shell = (script: string) => machine.must(["bash", "-euc", script], { timeout: 60_000 });
  await shell(`systemd-run --quiet --unit=watch-processes python3 -c '${WATCH}'`);
  return async () => {
    // A control: a process of a moment, with a secret in its arguments, and one with it in its environment.
    await shell(`sh -c 'sleep 0.3' ${PLANTED}-argument; ENVIRONMENT=${PLANTED}-environment sleep 0.3`);
    await shell("touch /run/seen.stop; until [ -s /run/seen ]; do sleep 0.05; done; rm /run/seen.stop");
    return shell("tr '\\0' ' ' </run/seen; rm /run/seen");
  };
}

/** What was watched holds no secret but the planted ones. @param program some program that was started meanwhile */
export function expectNoneInProcesses(secrets: Secrets, processes: string, program: string): void {
  expect(processes.split("\n").length).toBeGreaterThan(50);
  for (const part of [program, `${PLANTED}-argument`, `ENVIRONMENT=${PLANTED}-environment`])
    expect(processes).toContain(part);
  expect(secrets.found(processes)).toEqual(["planted"]);
}

/** The journal of a machine holds no secret; what is written to it is found there. @param unit something that must stand there */
export async function expectNoneInJournal(secrets: Secrets, machine: Machine, unit: string): Promise<void> {
  const journal = () => machine.must(["journalctl", "--no-pager", "-a", "-o", "export"], { timeout: 60_000 });
  const before = await journal();
  expect(before).toContain(unit);
  // The control's own start stands there.
  expect(secrets.found(before).filter((name) => name !== "planted")).toEqual([]);
  const [name, secret] = Object.entries(secrets.all).at(-1)!;
  await machine.must(["sh", "-euc", 'logger "$1"; journalctl --sync', "sh", secret]);
  expect(secrets.found(await journal())).toContain(name);
  await machine.must(["sh", "-euc", "journalctl --rotate; journalctl --vacuum-time=1s"]);
}

const SEARCH = `
import os, sys
secrets = [line.encode() for line in sys.stdin.read().splitlines()]
for folder, folders, names in os.walk("/"):
    folders[:] = [one for one in folders if f"{folder.rstrip('/')}/{one}" not in ("/proc", "/sys", "/dev", "/run/netns", "/usr/lib", "/usr/share", "/usr/bin")]
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                text = file.read()
            if any(secret in text for secret in secrets):
                status = os.stat(path)
                print(f"{status.st_mode & 0o777:o} {status.st_uid} {path}")
`;

/** The files of a machine that hold one of some texts, as "600 0 /path": mode, owner, path. */
export async function filesWith(machine: Machine, texts: readonly string[]): Promise<string[]> {
  const lines = await machine.must(["python3", "-c", SEARCH], { input: texts.join("\n"), timeout: 120_000 });
  return lines.split("\n").filter(Boolean).sort();
}

/** Every file with one of some texts is at one of the places, and each place has one; a planted one is found. */
export async function expectFilesOnlyAt(
  machine: Machine,
  texts: readonly string[],
  places: readonly RegExp[],
): Promise<void> {
  const all = await filesWith(machine, texts);
  expect(all.filter((line) => !places.some((place) => place.test(line)))).toEqual([]);
  for (const place of places) expect(all.filter((line) => place.test(line))).not.toEqual([]);
  await machine.must([
    "sh",
    "-euc",
    `install -m 644 /dev/null /var/tmp/planted; echo 'x ${PLANTED} x' >/var/tmp/planted`,
  ]);
  const planted = (await filesWith(machine, [...texts, PLANTED])).filter((line) => !all.includes(line));
  expect(planted).toEqual(["644 0 /var/tmp/planted"]);
  await machine.must(["rm", "/var/tmp/planted"]);
}
