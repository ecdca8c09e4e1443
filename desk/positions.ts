import { isCollection, type Node, type Pair } from "yaml";

/* Where things stand in a YAML text: offsets in characters. */

export const startOf = (node: Node): number => node.range?.[0] ?? 0;

/** Where a node's own text ends. A block's range goes on to the next token, over comments that belong to nobody. */
export function endOf(node: Node): number {
  if (!isCollection(node) || node.flow) return node.range?.[1] ?? 0;
  const last = node.items.at(-1) as Node | Pair | undefined;
  const inner = last && "key" in last && !isCollection(last) ? (last.value ?? last.key) : last;
  return inner ? endOf(inner as Node) : startOf(node);
}

export const newLine = (text: string): string => (text.includes("\r\n") ? "\r\n" : "\n");
export const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1;
export const columnOf = (text: string, at: number): number => at - lineStart(text, at);

/** Where the line ends on which the text before `at` ends: before its line break, after a comment. */
export function lineEnd(text: string, at: number): number {
  const last = text.slice(0, at).trimEnd().length;
  const end = /\r?\n|$/.exec(text.slice(last))?.index ?? 0;
  return last + end;
}
