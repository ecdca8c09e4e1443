import { type Figure, type Outcome, ratio, spread } from "./figure";
import { shown } from "./report";

/*
 * Plots as SVG text: lines over what was varied, both axes logarithmic, and ratios as dots with their spread. Gray and two colours that
 * show on white and on black.
 */

const WIDTH = 960;
const INK = "#888";
const COLOURS = ["#3b82c4", "#d9822b", "#4c9a5b", "#a763b5"];

const escaped = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");

const text = (x: number, y: number, words: string, anchor = "start", colour = INK): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}">${escaped(words)}</text>`;

const line = (x1: number, y1: number, x2: number, y2: number, style: string): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${style}/>`;

const grid = `stroke="${INK}" stroke-opacity="0.3"`;

const picture = (title: string, height: number, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escaped(title)}</title>`,
    ...parts,
    "</svg>\n",
  ].join("\n");

/** The powers of ten from the one not above the least value to the one not below the greatest; at least two. */
export function decades(values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(Math.ceil(Math.log10(Math.max(...values))), first + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

const position = (value: number, ticks: readonly number[]): number =>
  Math.log10(value / ticks[0]!) / Math.log10(ticks.at(-1)! / ticks[0]!);

/** The figures of one line, by what they measure. */
function series(figures: readonly Figure[]): Map<string, Figure[]> {
  const found = new Map<string, Figure[]>();
  for (const figure of figures) {
    if (figure.at === undefined) continue;
    const key = `${figure.what} (${figure.unit})`;
    found.set(key, [...(found.get(key) ?? []), figure]);
  }
  return found;
}

/** Lines of medians over what was varied, with the spread of each; undefined when nothing was. */
export function linePlot({ title, figures }: Outcome): string | undefined {
  const lines = series(figures);
  const all = [...lines.values()].flat();
  if (all.length === 0) return undefined;
  const [left, right, top, bottom, height] = [60, WIDTH - 260, 20, 320, 360];
  const xTicks = decades(all.map(({ at }) => at!));
  const yTicks = decades(all.flatMap(({ ours }) => ours));
  const x = (at: number): number => left + (right - left) * position(at, xTicks);
  const y = (value: number): number => bottom - (bottom - top) * position(value, yTicks);
  return picture(title, height, [
    ...xTicks.flatMap((at) => [line(x(at), top, x(at), bottom, grid), text(x(at), bottom + 18, shown(at), "middle")]),
    ...yTicks.flatMap((value) => [
      line(left, y(value), right, y(value), grid),
      text(left - 6, y(value) + 4, shown(value), "end"),
    ]),
    ...[...lines].flatMap(([name, its], index) => {
      const colour = COLOURS[index % COLOURS.length]!;
      const points = its.map(({ at, ours }) => ({ at: at!, ...spread(ours) })).sort((one, other) => one.at - other.at);
      const path = points.map(({ at, median }) => `${x(at).toFixed(1)},${y(median).toFixed(1)}`).join(" ");
      const last = points.at(-1)!;
      return [
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...points.map(({ at, least, most }) => line(x(at), y(least), x(at), y(most), `stroke="${colour}"`)),
        text(right + 8, y(last.median) + 4, name, "start", colour),
      ];
    }),
    text((left + right) / 2, height - 4, "clients", "middle"),
  ]);
}

/** Every ratio as a dot on the line of its spread, thick where its median lies, with its goal as a stroke. */
export function ratioPlot(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ title, figures }) =>
    figures.flatMap((figure) => {
      const found = ratio(figure);
      return found ? [{ label: `${title}: ${figure.what}`, found, goal: figure.goal }] : [];
    }),
  );
  const [left, right, top, step] = [540, WIDTH - 20, 30, 22];
  const goals = rows.flatMap(({ goal }) => (goal ? Object.values(goal) : []));
  const values = [1, ...goals, ...rows.flatMap(({ found }) => [found.least, found.most])];
  const [least, most] = [Math.min(...values) * 0.95, Math.max(...values) * 1.05];
  const x = (value: number): number => left + (right - left) * (Math.log(value / least) / Math.log(most / least));
  const bottom = top + rows.length * step;
  return picture("ratios", bottom + 30, [
    line(x(1), top - 8, x(1), bottom, `stroke="${INK}"`),
    text(x(1), top - 14, "1", "middle"),
    ...rows.flatMap(({ label, found, goal }, index) => {
      const y = top + step * (index + 0.5);
      const [colour] = COLOURS;
      return [
        text(left - 8, y + 4, label, "end"),
        line(x(found.least), y, x(found.most), y, `stroke="${colour}"`),
        line(x(found.within[0]), y, x(found.within[1]), y, `stroke="${colour}" stroke-width="3"`),
        `<circle cx="${x(found.median).toFixed(1)}" cy="${y}" r="4" fill="${colour}"><title>${shown(found.median)}</title></circle>`,
        ...Object.values(goal ?? {}).map((at: number) =>
          line(x(at), y - 8, x(at), y + 8, `stroke="${COLOURS[1]}" stroke-width="2"`),
        ),
      ];
    }),
    text(x(least), bottom + 18, shown(least)),
    text(x(most), bottom + 18, shown(most), "end"),
  ]);
}
