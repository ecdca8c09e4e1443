import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { document } from "./blocks";

const projectDir = join(__dirname, "..", "..");
const manuals = readdirSync(join(projectDir, "docs")).filter((name) => name.endsWith(".md"));
const documents = ["README.md", ...manuals.map((name) => `docs/${name}`)];

/** Blocks of code, and code within a line. */
const codeOf = (text: string): string[] =>
  [...text.matchAll(/^ *```\w*\n([^]*?)^ *```|`([^`\n]+)`/gm)].map(([, block, span]) => block ?? span ?? "");

/** A file that a command writes or reads beside the project's own, by a path from its folder. */
const named = [/(?<![->=\d&])>{1,2} *([a-z][\w./-]*\.[a-z]+)/g, /--file ([a-z][\w./-]*)/g, /< ([a-z][\w-]*\.conf)/g];
/** A provider's file in settings. */
const profile = /\bprofile: ([a-z][\w./-]+)/g;

const written = (text: string): string[] =>
  codeOf(text).flatMap((code) =>
    [...named, profile].flatMap((pattern) => [...code.matchAll(pattern)].map(([, path = ""]) => path)),
  );

describe("what documented commands write into the project's folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "wg-gateway-ignored-"));
  execFileSync("git", ["init", "--quiet", folder]);
  copyFileSync(join(projectDir, ".gitignore"), join(folder, ".gitignore"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const isIgnored = (path: string): boolean =>
    spawnSync("git", ["-C", folder, "check-ignore", "--quiet", path]).status === 0;

  const files = [...new Set(documents.flatMap((path) => written(document(path))))];

  it("is found in the documents", () => {
    for (const file of ["laptop.conf", "login.key", "tablet.conf", "phone.conf", "providers/vpn.ovpn"])
      expect(files).toContain(file);
  });

  it.each(files)("%s is ignored by git: it may hold keys", (file) => expect(isIgnored(file)).toBe(true));

  it("and the project's own files are not ignored", () => {
    for (const file of ["userdata/logrotate.conf", "Pulumi.home.yaml", "docs/recipes.md"])
      expect(isIgnored(file), file).toBe(false);
  });
});
