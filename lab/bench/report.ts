import Table from "cli-table3";

import { type Figure, type Outcome, ratio, spread, type Spread, verdict } from "./figure";

/** Three significant digits, without an exponent. */
export const shown = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));

const around = ({ median, least, most }: Spread): string =>
  least === most ? shown(median) : `${shown(median)} (${shown(least)}..${shown(most)})`;

const goalText = ({ goal, limit, unit }: Figure): string =>
  limit !== undefined
    ? `<= ${shown(limit)} ${unit}`
    : goal === undefined
      ? ""
      : "atLeast" in goal
        ? `>= ${shown(goal.atLeast)}`
        : `<= ${shown(goal.atMost)}`;

const head = ["measured", "gateway", "beside it", "ratio (least..most)", "its median within", "goal", "met"];

function cells(figure: Figure): string[] {
  const found = ratio(figure);
  return [
    figure.what + (figure.at === undefined ? "" : `, ${figure.at}`),
    `${found ? shown(spread(figure.ours).median) : around(spread(figure.ours))} ${figure.unit}`.trim(),
    figure.base === undefined ? "" : `${shown(spread(figure.base).median)} ${figure.unit}`.trim(),
    found === undefined ? "" : around(found),
    found === undefined ? "" : found.within.map(shown).join(".."),
    goalText(figure),
    verdict(figure) ?? "",
  ];
}

/** For a terminal. */
export function terminalTable({ title, against, figures }: Outcome): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...figures.map(cells));
  return `${title}${against === undefined ? "" : `, against ${against}`}\n${table.toString()}`;
}

/** A line of a table. */
export const markdownRow = (row: readonly string[]): string => `| ${row.join(" | ")} |\n`;

/** For a document, with its plot where there is one. @param plots names of the files that exist */
export function markdown(outcome: Outcome, plots: readonly string[]): string {
  const { name, title, against, figures, measured, machine, load } = outcome;
  const rounds = Math.max(...figures.map(({ ours }) => ours.length));
  const context = `${rounds} rounds on ${measured.slice(0, 10)}, ${machine}, load when it began ${shown(load)}`;
  const beside = against === undefined ? "" : `Beside it: ${against}. `;
  return [
    `### ${title}\n\n${beside}${context}.\n\n`,
    markdownRow(head),
    markdownRow(head.map(() => "---")),
    ...figures.map((figure) => markdownRow(cells(figure))),
    ...(plots.includes(`${name}.svg`) ? [`\n![${title}](benchmarks/${name}.svg)\n`] : []),
  ].join("");
}

const begin = "<!-- figures: written by npm run bench -->";
const end = "<!-- end of the figures -->";

/** The document with what stands between its two marks replaced. @throws Error when it lacks them */
export function withFigures(document: string, figures: string): string {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document lacks the lines "${begin}" and "${end}"`);
  return `${document.slice(0, from)}${begin}\n\n${figures}\n${document.slice(to)}`;
}
