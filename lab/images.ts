import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { debianKeyring, debianMirror } from "./mirror";
import { findProcesses, run } from "./process";
import { machineRecipe, type Recipe, type Suite, toolsRecipe } from "./recipes";
import { cacheDir } from "./state";

/** The unpacked images a lab is made of; never written to. */
export interface Images {
  /** What a fresh EC2 machine has on its disk. */
  readonly machine: string;
  /** The programs of every other host of the lab. */
  readonly tools: string;
}

/**
 * Gives the lab's images, building what the cache has not: about a minute and 150 MB of packages from the Debian mirror
 * this machine uses.
 * @param suite Debian release of the machine's image
 * @param progress told what is built
 * @throws Error with the end of the builder's log
 */
export async function ensureImages(suite: Suite, progress: (message: string) => void): Promise<Images> {
  const [machine, tools] = await Promise.all(
    [machineRecipe(suite), toolsRecipe].map(async (recipe) => {
      const path = imagePath(recipe);
      if (!existsSync(path)) {
        progress(`building the image ${recipe.name} (once, Debian ${recipe.suite})`);
        await build(recipe, path);
      }
      return path;
    }),
  );
  return { machine: machine!, tools: tools! };
}

function imagePath(recipe: Recipe): string {
  const hash = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 12);
  return join(cacheDir, `${recipe.name}-${recipe.suite}-${hash}`);
}

async function build(recipe: Recipe, path: string): Promise<void> {
  mkdirSync(cacheDir, { recursive: true });
  await removeAbandoned();
  const work = join(cacheDir, `${buildPrefix}${process.pid}-${recipe.name}`);
  mkdirSync(work);
  const root = join(work, "root");
  const log = join(cacheDir, `${recipe.name}-${recipe.suite}.log`);
  const before = join(work, "before");
  const after = join(work, "after");
  writeFileSync(before, `#!/bin/sh\nset -eu\ncd "$1"\n${recipe.before}`, { mode: 0o755 });
  writeFileSync(
    after,
    `#!/bin/sh\nset -eu\ncp --remove-destination /etc/resolv.conf "$1/etc"\nchroot "$1" /bin/sh -eu <<'IN_THE_IMAGE'\n${recipe.after}\nIN_THE_IMAGE\n`,
    { mode: 0o755 },
  );
  const mirror = debianMirror();
  try {
    const result = await run(
      [
        // Whatever ends this process ends the build, and its mounts live in a namespace of their own.
        ...[
          "setpriv",
          "--pdeathsig",
          "KILL",
          "--",
          "unshare",
          "--mount",
          "--pid",
          "--fork",
          "--kill-child",
          "--mount-proc",
        ],
        ...["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", `--keyring=${debianKeyring}`],
        ...['--aptopt=Acquire::Languages "none"', '--aptopt=Acquire::Retries "3"', "--skip=cleanup/apt"],
        ...["--dpkgopt=force-unsafe-io", `--setup-hook=${before}`, `--customize-hook=${after}`],
        ...[`--include=${recipe.packages.join(",")}`, recipe.suite, root],
        ...[recipe.suite, ...recipe.alsoSuites].map((suite) => `deb ${mirror} ${suite} main`),
      ],
      { timeout: 15 * 60_000 },
    );
    writeFileSync(log, result.stdout + result.stderr);
    if (result.exitCode !== 0) {
      const end = result.stderr.trim().split("\n").slice(-15).join("\n");
      throw new Error(`the image ${recipe.name} was not built from ${mirror} (log: ${log}):\n${end}`);
    }
    if (!existsSync(path)) renameSync(root, path);
  } finally {
    await remove(work);
  }
}

const buildPrefix = ".building-";

/** Removes what builders that were killed left. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(cacheDir).filter((name) => name.startsWith(buildPrefix))) {
    const builder = Number(name.slice(buildPrefix.length).split("-")[0]);
    if (findProcesses((pid) => pid === builder).length === 0) await remove(join(cacheDir, name));
  }
}

/** Never beyond a mount point: a half-built root may have had /dev in it. */
async function remove(path: string): Promise<void> {
  await run(["rm", "-rf", "--one-file-system", path], { timeout: 60_000 });
}
