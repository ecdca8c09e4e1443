import fc from "fast-check";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { TestDesk } from "./desks";

interface Client {
  readonly name: string;
  readonly address: string;
}

/** One entry as somebody might write it, in lines without the list's own indentation. */
const anyEntry = ({ name, address }: Client) =>
  fc
    .record({
      braces: fc.boolean(),
      quote: fc.constantFrom("", "'", '"'),
      gap: fc.constantFrom(" ", "   "),
      remark: fc.constantFrom("", " # mine", "   #"),
      above: fc.constantFrom("", "# above\n", "\n", "\n# a group\n\n"),
      addressFirst: fc.boolean(),
    })
    .map(({ braces, quote, gap, remark, above, addressFirst }) => {
      const pairs = [`name:${gap}${quote}${name}${quote}`, `address: ${quote}${address}${quote}`];
      if (addressFirst) pairs.reverse();
      const text = braces ? `- {${gap}${pairs.join(", ")}}` : `-${gap}${pairs.join(`${remark}\n ${gap}`)}`;
      return `${above}${text}${remark}\n`;
    });

const indented = (text: string, by: number): string => text.replaceAll(/^(?=.)/gm, " ".repeat(by));

const anyClients = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/), fc.integer({ min: 2, max: 254 })), {
    maxLength: 6,
    comparator: (a, b) => a[0] === b[0] || a[1] === b[1],
  })
  // What is no text to YAML is no name here: it would need quotes.
  .map((pairs) =>
    pairs
      .filter(([name]) => !["null", "true", "false"].includes(name))
      .map(([name, host]) => ({ name, address: `10.4.0.${host}` })),
  );

/** A stack file in somebody's hand, with its clients. */
const anyStack = anyClients
  .chain((clients) =>
    fc.record({
      clients: fc.constant(clients),
      entries: fc.tuple(...clients.map(anyEntry)),
      inBrackets: fc.boolean(),
      config: fc.constantFrom(2, 4),
      dash: fc.constantFrom(0, 2, 5),
      sections: fc.shuffledSubarray([
        "# a remark\naws:region:   eu-central-1\n",
        "'wg-gateway:exits':   [ {name: vpn , profile: providers/vpn.ovpn} ]   # theirs\n",
        'wg-gateway:rules:\n- from:   10.4.0.128/25\n  exit:   "direct"\n\n',
        "wg-gateway:localNetworks: [\n  192.168.1.0/24,   # home\n\n]\n",
        "wg-gateway:credentials:\n    vpn: { username: x,   password: { secure: v1:y } }\n",
        "other:text: |\n  several\n\n    lines\n",
      ]),
      place: fc.nat(),
      head: fc.constantFrom("", "---\n", "# head\n\n", "encryptionsalt: v1:z\n"),
      tail: fc.constantFrom("", "\n# tail\n", "encryptionsalt2:   v1:z\n", "\n\n"),
      windows: fc.boolean(),
      lastBreak: fc.boolean(),
    }),
  )
  .map(({ clients, entries, inBrackets, config, dash, sections, place, head, tail, windows, lastBreak }) => {
    const inline = clients.map(({ name, address }) => ` {name: ${name}, address: ${address}} `).join(",");
    const brackets = `wg-gateway:clients: [${inline}] # all\n`;
    const block = `wg-gateway:clients:   # all\n${indented(entries.join(""), dash)}`;
    const list = inBrackets || clients.length === 0 ? brackets : block;
    // Credentials without the exit they are for would be a fault.
    const exits = sections.some((section) => section.includes("exits"));
    const credentials = sections.some((section) => section.includes("credentials"));
    const parts = sections.filter((section) => exits === credentials || !/exits|credentials/.test(section));
    parts.splice(place % (parts.length + 1), 0, list);
    const host = "wg-gateway:host: {kind: ec2,   sshFrom: [198.51.100.23/32]}\n";
    const text = `${head}config:\n${indented([host, ...parts].join(""), config)}${tail}`;
    const trimmed = lastBreak ? text : text.replace(/\n$/, "");
    return { clients, text: windows ? trimmed.replaceAll("\n", "\r\n") : trimmed };
  });

type File = { config: Record<string, unknown> };
const clientsIn = (text: string) => (parse(text) as File).config["wg-gateway:clients"];
/** Everything but the clients, as values. */
const restOf = (text: string) => {
  const file = parse(text) as File;
  return { ...file, config: { ...file.config, "wg-gateway:clients": undefined } };
};

/** What one text has where another has something else: between what both begin with and what both end with. */
function difference(before: string, after: string): { gone: string; come: string } {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return { gone: before.slice(head, before.length - tail), come: after.slice(head, after.length - tail) };
}

// One folder for all: thousands would be made.
const desk = new TestDesk("");

/** Runs a command that must succeed. @returns the file after it */
async function changed(...words: string[]): Promise<string> {
  expect((await desk.run(...words)).error).toBeUndefined();
  expect((await desk.run("list")).error).toBeUndefined();
  return desk.text;
}

const withClient = anyStack
  .filter(({ clients }) => clients.length > 0)
  .chain(({ clients, text }) =>
    fc.nat({ max: clients.length - 1 }).map((index) => ({ clients, text, index, name: clients[index]?.name ?? "" })),
  );

it("add puts in, remove takes out the same, and neither touches anything else", async () => {
  await fc.assert(
    fc.asyncProperty(anyStack, fc.boolean(), async ({ clients, text }, internal) => {
      fc.pre(clients.every(({ name }) => name !== "new"));
      desk.text = text;
      const added = await changed("add", "new", ...(internal ? ["--internal"] : []));
      const now = clientsIn(added) as Client[];
      expect(now.slice(0, -1)).toEqual(clients);
      expect(now.at(-1)?.name).toBe("new");
      expect(restOf(added)).toEqual(restOf(text));
      // An empty list loses its brackets.
      if (clients.length > 0) expect(difference(text, added).gone).toBe("");
      expect(await changed("remove", "new")).toBe(text);
    }),
    { numRuns: 100 },
  );
});

it("remove takes one piece out", async () => {
  await fc.assert(
    fc.asyncProperty(withClient, async ({ clients, text, index, name }) => {
      desk.text = text;
      const after = await changed("remove", name);
      expect(clientsIn(after)).toEqual(clients.filter((_, at) => at !== index));
      expect(restOf(after)).toEqual(restOf(text));
      const { gone, come } = difference(text, after);
      if (clients.length > 1) expect(come).toBe("");
      expect(gone.match(/address/g)).toHaveLength(1);
    }),
    { numRuns: 100 },
  );
});

it("move changes an address, rotate adds a version, and neither touches anything else", async () => {
  await fc.assert(
    fc.asyncProperty(withClient, async ({ clients, text, index, name }) => {
      const free = ["10.4.0.40", "10.4.0.41", "10.4.0.42"].find((at) => !clients.some(({ address }) => address === at));
      fc.pre(free !== undefined && clients.length < 3);
      desk.text = text;
      const moved = await changed("move", name, "--address", free ?? "");
      expect(clientsIn(moved)).toEqual(
        clients.map((other, at) => (at === index ? { ...other, address: free } : other)),
      );
      expect(restOf(moved)).toEqual(restOf(text));
      const { gone, come } = difference(text, moved);
      expect(`${gone}${come}`).toMatch(/^[\d.]*$/);
      const rotated = await changed("rotate", name);
      expect(difference(moved, rotated)).toMatchObject({
        gone: "",
        come: expect.stringContaining("keyVersion: 2") as string,
      });
      expect(clientsIn(rotated)).toMatchObject({ [index]: { name, address: free, keyVersion: 2 } });
    }),
    { numRuns: 100 },
  );
});
