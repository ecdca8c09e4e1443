import { describe, expect, it } from "vitest";
import { publicKey } from "../gateway/settingsFixtures";
import { LAPTOP_AND_PHONE, PASSWORD, stackText, TestDesk } from "./desks";

const usual = stackText(LAPTOP_AND_PHONE);

/** What a command makes of the clients' entry; the rest of the file must be as it was. */
async function clientsAfter(clients: string, ...words: string[]): Promise<string> {
  const desk = new TestDesk(stackText(clients));
  const { error } = await desk.run(...words);
  expect(error).toBeUndefined();
  const [before = "", after = ""] = stackText("CLIENTS").split("CLIENTS");
  expect(desk.text.startsWith(before)).toBe(true);
  expect(desk.text.endsWith(after)).toBe(true);
  return desk.text.slice(before.length, desk.text.length - after.length);
}

describe("add writes an entry", () => {
  const KEY = "  wg-gateway:clients:";
  const one = "{ name: a, address: 10.4.0.2 }";
  const two = "{ name: tv, address: 10.4.0.3 }";
  const free = ["add", "tv", "--address", "10.4.0.3"];
  it.each([
    ["into an empty list", `${KEY} [] # none\n`, `${KEY} # none\n    - name: tv\n      address: 10.4.0.3\n`],
    [
      "below one in a block",
      `${KEY}\n  -   name: a\n      address: 10.4.0.2   # here\n`,
      `${KEY}\n  -   name: a\n      address: 10.4.0.2   # here\n  - name: tv\n    address: 10.4.0.3\n`,
    ],
    ["in braces below one in braces", `${KEY}\n      - ${one}\n`, `${KEY}\n      - ${one}\n      - ${two}\n`],
    ["into brackets", `${KEY} [${one}] # x\n`, `${KEY} [${one}, ${two}] # x\n`],
    ["into brackets over lines", `${KEY} [\n    ${one},\n  ]\n`, `${KEY} [\n    ${one},\n    ${two},\n  ]\n`],
    ["without the project's name", `  clients:\n    - ${one}\n`, `  clients:\n    - ${one}\n    - ${two}\n`],
    [
      "under a key in quotes",
      `  "wg-gateway:clients":\n    - ${one}\n`,
      `  "wg-gateway:clients":\n    - ${one}\n    - ${two}\n`,
    ],
  ])("%s", async (_, before, after) => {
    expect(await clientsAfter(before, ...free)).toBe(after);
  });

  it("at the end of config where there is no list", async () => {
    const desk = new TestDesk(stackText(""));
    expect((await desk.run(...free)).error).toBeUndefined();
    const added = `${KEY}\n    - name: tv\n      address: 10.4.0.3\n`;
    expect(desk.text).toBe(stackText("").replace("encryptionsalt", `${added}encryptionsalt`));
  });

  it("with a key of its own and an internal tunnel", async () => {
    const key = publicKey(3);
    const after = await clientsAfter(`${KEY} []\n`, ...free, "--public-key", key, "--internal");
    expect(after).toBe(
      `${KEY}\n    - name: tv\n      address: 10.4.0.3\n      publicKey: ${key}\n      tunnel: internal\n`,
    );
  });

  it("with its name in quotes where another reader of YAML would see a truth", async () => {
    expect(await clientsAfter(`${KEY} []\n`, "add", "no", "--address", "10.4.0.3")).toContain('- name: "no"\n');
  });

  it("into a file with the line breaks of Windows, or without a last one", async () => {
    for (const [text, added] of [
      [usual.replaceAll("\n", "\r\n"), "    - { name: tv, address: 10.4.0.3 }\r\n"],
      [
        `config:\n  wg-gateway:host: { kind: ec2, sshFrom: [198.51.100.23/32] }`,
        "\n  wg-gateway:clients:\n    - name: tv\n      address: 10.4.0.3",
      ],
    ] as const) {
      const desk = new TestDesk(text);
      expect((await desk.run(...free)).error).toBeUndefined();
      expect(desk.text.replace(added, "")).toBe(text);
      expect(desk.text).not.toBe(text);
    }
  });
});

describe("other changes", () => {
  it.each([
    ["move keeps quotes", ["move", "laptop", "--exit", "vpn"], '"10.4.0.50"', '"10.4.0.128"'],
    ["move to an address", ["move", "phone", "--address", "10.4.0.9"], "10.4.0.200 }", "10.4.0.9 }"],
    ["rotate, in a block", ["rotate", "laptop"], '"10.4.0.50"\n', '"10.4.0.50"\n      keyVersion: 2\n'],
    ["rotate, in braces", ["rotate", "phone"], "10.4.0.200 }", "10.4.0.200, keyVersion: 2 }"],
    ["remove from a block", ["remove", "laptop"], '    - name: laptop # Anna\'s\n      address: "10.4.0.50"\n', ""],
    ["remove the last", ["remove", "phone"], "    - { name: phone, address: 10.4.0.200 }\n", ""],
  ])("%s", async (_, words, from, to) => {
    const desk = new TestDesk(usual);
    expect((await desk.run(...words)).error).toBeUndefined();
    expect(desk.text).toBe(usual.replace(from, to));
  });

  it("rotate counts on", async () => {
    const desk = new TestDesk(usual);
    await desk.run("rotate", "laptop");
    await desk.run("rotate", "laptop");
    expect(desk.text).toContain("keyVersion: 3\n");
  });

  it.each([
    [
      "the only one of a block",
      "  clients: # all\n    # one\n    - name: a\n      address: 10.4.0.2\n",
      "  clients: [] # all\n    # one\n",
    ],
    ["the only one of brackets", "  clients: [{ name: a, address: 10.4.0.2 }, ]\n", "  clients: []\n"],
    [
      "the first of brackets",
      "  clients: [{ name: a, address: 10.4.0.2 }, { name: b, address: 10.4.0.3 }]\n",
      "  clients: [{ name: b, address: 10.4.0.3 }]\n",
    ],
    [
      "the last of brackets",
      "  clients: [{ name: b, address: 10.4.0.3 }, { name: a, address: 10.4.0.2 }]\n",
      "  clients: [{ name: b, address: 10.4.0.3 }]\n",
    ],
  ])("remove %s", async (_, before, after) => {
    expect(await clientsAfter(before, "remove", "a")).toBe(after);
  });

  it("show what they change, and what comes next, and no secret that stands beside", async () => {
    const inTheClear = `  wg-gateway:credentials: { vpn: { username: someone, password: ${PASSWORD} } }`;
    const beside = usual.replace(/ {2}# what[^]*AAAA/, inTheClear);
    const { out } = await new TestDesk(usual).run("add", "tv", "--exit", "vpn");
    expect(out).toBe(`--- Pulumi.dev.yaml
+++ Pulumi.dev.yaml
@@ -11,3 +11,4 @@
       address: "10.4.0.50"
     # telephones
     - { name: phone, address: 10.4.0.200 }
+    - { name: tv, address: 10.4.0.128 }

ways:  tv at 10.4.0.128: vpn
next:  pulumi up --stack dev
then:  npm run client -- show tv --qr --stack dev   or --file tv.conf`);
    const { out: shown } = await new TestDesk(beside).run("add", "tv", "--exit", "vpn");
    expect(shown).toContain("+    - { name: tv");
    expect(shown).not.toContain(PASSWORD);
    const moved = await new TestDesk(usual).run("move", "laptop", "--exit", "vpn");
    expect(moved.out).toContain("cut off until its device has the new profile");
    expect((await new TestDesk(usual).run("rotate", "phone")).out).toContain("cut off until");
    expect((await new TestDesk(usual).run("remove", "phone")).out).toContain("next:  pulumi up --stack dev");
  });

  it("tell a client with its own key what to do with the profile", async () => {
    const desk = new TestDesk(usual);
    const added = await desk.run("add", "tv", "--public-key", publicKey(3));
    expect(added.out).toContain("put the device's own private key into it");
    expect((await desk.run("rotate", "tv")).out).toContain("PresharedKey");
  });
});

it("list shows names, addresses, ways, whose the keys are, and kinds of profiles", async () => {
  const desk = new TestDesk(usual);
  await desk.run("add", "tv", "--public-key", publicKey(3), "--internal");
  await desk.run("rotate", "phone");
  const rows = (await desk.run("list")).out.split("\n").map((line) =>
    line
      .split("│")
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
  expect(rows.filter((row) => row.length > 0)).toEqual([
    ["name", "address", "ways", "key", "profile"],
    ["laptop", "10.4.0.50", "direct", "ours", "full"],
    ["phone", "10.4.0.200", "vpn", "ours, version 2", "full"],
    ["tv", "10.4.0.2", "direct", "own", "internal"],
  ]);
  expect((await new TestDesk(stackText("")).run("list")).out).toContain("no clients");
});
