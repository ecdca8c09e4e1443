import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readStack } from "../../lab/engine/stackConfig";

const folder = mkdtempSync(join(tmpdir(), "wg-gateway-config-"));
writeFileSync(join(folder, "Pulumi.yaml"), "name: some-project\nruntime: nodejs\n");
const stack = (text: string) => writeFileSync(join(folder, "Pulumi.test.yaml"), text);

it("hands values over as the CLI does: texts as they are, structures as JSON", () => {
  stack(
    "config:\n  aws:region: eu-central-1\n  some-project:host:\n    port: 22\n    names: [a, b]\n  some-project:on: true\n",
  );
  expect(readStack(folder, "test", [])).toEqual({
    project: "some-project",
    config: {
      "aws:region": "eu-central-1",
      "some-project:host": '{"port":22,"names":["a","b"]}',
      "some-project:on": "true",
    },
  });
});

it("lets the command line win, with or without the project's prefix", () => {
  stack("config:\n  some-project:one: file\n  some-project:two: file\n");
  const { config } = readStack(folder, "test", ["one=line=1", "some-project:two=line"]);
  expect(config).toEqual({ "some-project:one": "line=1", "some-project:two": "line" });
  expect(() => readStack(folder, "test", ["one"])).toThrow("KEY=VALUE");
});

it("says that it cannot open what the CLI has encrypted, however deep it stands", () => {
  stack("config:\n  some-project:credentials:\n    vpn:\n      password:\n        secure: AAABAJ\n");
  expect(() => readStack(folder, "test", [])).toThrow("some-project:credentials of Pulumi.test.yaml is encrypted");
  expect(readStack(folder, "test", ["credentials={}"]).config).toEqual({ "some-project:credentials": "{}" });
});

it("takes a stack without configuration", () => {
  stack("encryptionsalt: v1:abc\n");
  expect(readStack(folder, "test", []).config).toEqual({});
});
