import { describe, expect, it } from "vitest";
import { planGateway } from "../../gateway/plan/plan";
import { EXAMPLE_SSH_FROM } from "../../gateway/settings/hostChecks";
import { SettingsError } from "../../gateway/settings/fault";
import { blocksOf, document, read, settingsOf } from "./blocks";

const recipes = document("docs/recipes.md");
const documents = [
  "README.md",
  ...["recipes", "architecture", "operations", "security"].map((name) => `docs/${name}.md`),
];
const shown = documents.flatMap((path) =>
  blocksOf(document(path)).map(({ title, settings }) => [`${path}: ${title}`, settings] as const),
);

describe("every block of settings in the documents", () => {
  it.each(shown)("%s: is accepted", (_, settings) => {
    expect(Object.keys(settings)).not.toEqual([]);
    expect(() => planGateway(read(settings).settings)).not.toThrow();
  });

  it("would be refused with a fault in it", () => {
    for (const [right, wrong] of [
      ["exit: nl", "exit: ml"],
      ["slot: 2", "slot: 1"],
      ["protocol: tcp, ", ""],
      ["members:", "member:"],
      ['"22:00"', '"25:00"'],
      ["10.4.0.64-10.4.0.255", "10.4.0.64-10.5.0.255"],
    ] as const) {
      expect(recipes).toContain(right);
      const broken = blocksOf(recipes.replace(right, wrong));
      expect(() => broken.forEach(({ settings }) => read(settings)), wrong).toThrow(SettingsError);
    }
  });

  it("stands in each section about a use case or a variation", () => {
    const sections = [...recipes.split("\n## Use cases\n")[1]!.matchAll(/^### (.*)$/gm)].map(([, title]) => title);
    expect(sections.length).toBeGreaterThan(10);
    expect([...new Set(blocksOf(recipes).map(({ section }) => section))]).toEqual(sections);
  });
});

it("Pulumi.lab.yaml is accepted", () => {
  expect(() => read(settingsOf(document("Pulumi.lab.yaml")))).not.toThrow();
});

describe("Pulumi.dev.yaml", () => {
  const example = document("Pulumi.dev.yaml");

  it("is refused as it stands, for its example of an address alone", () => {
    expect(settingsOf(example)["host"]).toMatchObject({ sshFrom: [EXAMPLE_SSH_FROM] });
    const refused = (): SettingsError | undefined => {
      try {
        read(settingsOf(example));
      } catch (error) {
        if (error instanceof SettingsError) return error;
        throw error;
      }
      return undefined;
    };
    expect(refused()?.faults.map(({ key, value }) => [key, value])).toEqual([["host.sshFrom[0]", EXAMPLE_SSH_FROM]]);
  });

  it("is accepted with an address of one's own", () => {
    expect(() => read(settingsOf(example.replace(EXAMPLE_SSH_FROM, "192.0.2.10/32")))).not.toThrow();
  });
});
