import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { schema } from "../../gateway/settings/schema";
import { document } from "./blocks";

const documents = [
  "README.md",
  ...["recipes", "architecture", "operations", "security", "transparent-tunnel"].map((name) => `docs/${name}.md`),
];
const projectDir = join(__dirname, "..", "..");

/** A text without its blocks of code. */
const prose = (path: string): string => document(path).replace(/^( *)```[^]*?^\1```$/gm, "");

/** What GitHub makes of the headings of a document. */
const anchors = (path: string): string[] =>
  [...prose(path).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );

describe.each(documents)("%s", (path) => {
  it("has no link that leads nowhere", () => {
    const links = [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
    const own = links.filter((link) => !/^https?:/.test(link));
    const broken = own.filter((link) => {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : join(dirname(path), file);
      return !existsSync(join(projectDir, target)) || (anchor !== undefined && !anchors(target).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it("names no file of the repository that is not there", () => {
    const names = [...prose(path).matchAll(/`((?:components|gateway|userdata|lab|desk|test|docs)\/[\w./@-]*)`/g)];
    expect(names.map(([, name]) => name!).filter((name) => !existsSync(join(projectDir, name)))).toEqual([]);
  });
});

/** The keys of a schema, as the README writes them. */
function keysOf(type: unknown, path: string): string[] {
  let node = type;
  while (node instanceof z.ZodDefault || node instanceof z.ZodPrefault || node instanceof z.ZodOptional)
    node = node.unwrap();
  if (node instanceof z.ZodArray && node.element instanceof z.ZodObject) return keysOf(node.element, `${path}[]`);
  if (node instanceof z.ZodRecord && node.valueType instanceof z.ZodObject)
    return keysOf(node.valueType, `${path}.EXIT`);
  if (node instanceof z.ZodDiscriminatedUnion && !path.endsWith("[].host"))
    return node.options.flatMap((option) => keysOf(option, path));
  // An endpoint's machine has the keys of the gateway's.
  if (!(node instanceof z.ZodObject) || path.endsWith("[].host")) return [path];
  return Object.entries(node.shape).flatMap(([key, inner]) => keysOf(inner, path === "" ? key : `${path}.${key}`));
}

describe("the reference of the settings", () => {
  const keys = [...new Set(keysOf(schema, ""))].sort();
  const tables = document("README.md").match(/^\| key \| meaning \| default \| allowed \|\n(\|.*\n)+/gm) ?? [];

  it("has each key of the schema, and no other", () => {
    const rows = [...tables.join("").matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key!);
    expect(rows.filter((row, index) => rows.indexOf(row) !== index)).toEqual([]);
    expect(rows.filter((row) => row !== "rules").sort()).toEqual(keys);
  });

  it("has each key in Pulumi.yaml, too", () => {
    const text = document("Pulumi.yaml");
    const last = keys.map((key) => key.split(".").at(-1)!.replace("[]", ""));
    expect(last.filter((key) => !new RegExp(`\\b${key}\\b`).test(text))).toEqual([]);
  });
});

it("Pulumi.yaml declares as the CLI wants it: types known, lists with items, and a default for what may be left out", () => {
  const { config } = parse(document("Pulumi.yaml")) as { config: Record<string, Record<string, unknown>> };
  for (const [key, { type, items, default: value, description }] of Object.entries(config)) {
    expect(["object", "array"], key).toContain(type);
    expect(type === "array", key).toBe(items !== undefined);
    expect(value, key).toBeDefined();
    expect(description, key).toEqual(expect.any(String));
  }
  expect(Object.keys(config)).toContain("wg-gateway:groups");
});
