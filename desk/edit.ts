import { isMap, isScalar, stringify, type CST, type Node } from "yaml";
import { columnOf, endOf, lineEnd, lineStart, newLine, startOf } from "./positions";
import { Refusal } from "./refusal";
import { clientsList, type StackDocument } from "./stackDocument";

/*
 * Changes of the clients' list in the text of a stack's file. The YAML library says where things stand; what is not changed is never
 * written anew, since the library would set its indentation, its line breaks and its quotes.
 */

/** Puts `text` in the place of what stands from `from` up to `to`. */
export interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** A client's entry as it is written. */
export type Entry = Readonly<Record<string, string | number>>;

export const applySplices = (text: string, splices: readonly Splice[]): string =>
  [...splices]
    // From the end, so that the places of the others hold; what is put where something is cut out comes after the cut.
    .sort((a, b) => b.from - a.from || b.to - a.to)
    .reduce((done, splice) => done.slice(0, splice.from) + splice.text + done.slice(splice.to), text);

/** Words that are a truth or a number to some reader of YAML are put in quotes: Pulumi's reader is another than ours. */
const scalarText = (value: string | number): string =>
  typeof value === "string" && !/^[\w./+=-]+$/.test(value)
    ? JSON.stringify(value)
    : stringify(value, { version: "1.1", lineWidth: 0 }).trimEnd();
const pairText = ([key, value]: [string, string | number]): string => `${key}: ${scalarText(value)}`;
const flowText = (entry: Entry): string => `{ ${Object.entries(entry).map(pairText).join(", ")} }`;

const insertion = (at: number, text: string): Splice => ({ from: at, to: at, text });

/** A new line of its own for each text, below the line of `at`. */
const linesBelow = (text: string, at: number, lines: readonly string[]): Splice =>
  insertion(lineEnd(text, at), lines.map((line) => newLine(text) + line).join(""));

/** The lines of an entry of a block list whose dash stands in this column. */
function entryLines(column: number, entry: Entry, flow: boolean): string[] {
  const pad = " ".repeat(column);
  if (flow) return [`${pad}- ${flowText(entry)}`];
  return Object.entries(entry).map((pair, index) => `${pad}${index === 0 ? "- " : "  "}${pairText(pair)}`);
}

const byHand = ({ stack, clientsKey }: StackDocument, problem: string): Refusal =>
  new Refusal(
    `${clientsKey} in ${stack.file} ${problem}`,
    "a list of maps, written out in the file",
    "write it so, or edit it by hand",
  );

/** What stands before an entry in the list's source: its dash in a block, the comma after the entry before it in a flow. */
function tokenBefore(
  document: StackDocument,
  index: number,
  type: "seq-item-ind" | "comma",
): CST.SourceToken | undefined {
  const source = clientsList(document)?.srcToken as CST.BlockSequence | CST.FlowCollection | undefined;
  return source?.items[index]?.start.find((token) => token.type === type);
}

/** Where the value of the clients' key begins: behind its colon. */
function behindColon(document: StackDocument): number {
  const { clientsPair } = document;
  const colon = clientsPair?.srcToken?.sep?.find(({ type }) => type === "map-value-ind");
  if (!colon) throw byHand(document, "has no value");
  return colon.offset + 1;
}

/** Adds an entry at the end of the list, written like its neighbour. */
export function addEntry(document: StackDocument, entry: Entry): Splice[] {
  const { text, config, clientsPair, clientsKey } = document;
  if (!config || (config.flow && !clientsPair)) throw byHand(document, "has no place");
  const column = columnOf(text, startOf(config));
  const dash = column + 2;
  if (!clientsPair)
    return [
      linesBelow(text, endOf(config), [`${" ".repeat(column)}${clientsKey}:`, ...entryLines(dash, entry, false)]),
    ];
  const list = clientsList(document);
  if (!list?.range) throw byHand(document, "is no list that can be added to");
  const last = list.items.at(-1) as Node | undefined;
  if (!last) {
    if (config.flow) return [insertion(startOf(list) + 1, ` ${flowText(entry)} `)];
    const brackets = { from: behindColon(document), to: list.range[1], text: "" };
    return [brackets, linesBelow(text, list.range[1], entryLines(dash, entry, false))];
  }
  if (!list.flow)
    return [
      linesBelow(
        text,
        endOf(last),
        entryLines(columnOf(text, startOf(list)), entry, isMap(last) && last.flow === true),
      ),
    ];
  const before = text.slice(lineStart(text, startOf(last)), startOf(last));
  const separator = before.trim() === "" ? newLine(text) + before : " ";
  return [insertion(endOf(last), `,${separator}${flowText(entry)}`)];
}

/** Takes an entry out, with the comments inside it; those around it stay. */
export function removeEntry(document: StackDocument, index: number): Splice[] {
  const { text } = document;
  const list = clientsList(document);
  const item = list?.items[index] as Node | undefined;
  if (!list || !item) throw byHand(document, "is no list that can be taken from");
  if (list.flow) {
    const comma = tokenBefore(document, index + 1, "comma") ?? tokenBefore(document, index, "comma");
    const value = { from: startOf(item), to: endOf(item), text: "" };
    const spaces = comma ? (/^[ \t]*/.exec(text.slice(comma.offset + 1))?.[0].length ?? 0) : 0;
    return [value, ...(comma ? [{ from: comma.offset, to: comma.offset + 1 + spaces, text: "" }] : [])];
  }
  const dash = tokenBefore(document, index, "seq-item-ind")?.offset ?? startOf(item);
  const end = lineEnd(text, endOf(item));
  const breakLength = /^\r?\n/.exec(text.slice(end))?.[0].length ?? 0;
  const start = lineStart(text, dash);
  // The last line of a file may have no break: then the one before it goes.
  const breakBefore = breakLength > 0 ? 0 : text.startsWith("\r\n", start - 2) ? 2 : 1;
  const lines = { from: start - breakBefore, to: end + breakLength, text: "" };
  return [...(list.items.length === 1 ? [insertion(behindColon(document), " []")] : []), lines];
}

const quotes: Readonly<Record<string, string>> = { QUOTE_DOUBLE: '"', QUOTE_SINGLE: "'" };

/** Gives a field of an entry another value, in its quotes if it has any, or adds it at the entry's end. */
export function setField(document: StackDocument, index: number, key: string, value: string | number): Splice[] {
  const { text } = document;
  const item = clientsList(document)?.items[index];
  if (!isMap(item)) throw byHand(document, `has an entry ${index} that is written elsewhere`);
  const pair = item.items.find((other) => isScalar(other.key) && other.key.value === key);
  if (pair) {
    if (!isScalar(pair.value) || !pair.value.range) throw byHand(document, `has a ${key} that is written elsewhere`);
    const [from, to] = pair.value.range;
    const quote = quotes[pair.value.type ?? ""];
    return [{ from, to, text: quote ? `${quote}${value}${quote}` : scalarText(value) }];
  }
  const added = pairText([key, value]);
  const last = item.items.at(-1);
  const lastNode = (last?.value ?? last?.key) as Node | undefined;
  if (!lastNode) throw byHand(document, `has an empty entry ${index}`);
  if (item.flow) return [insertion(endOf(lastNode), `, ${added}`)];
  return [linesBelow(text, endOf(lastNode), [" ".repeat(columnOf(text, startOf(item))) + added])];
}
