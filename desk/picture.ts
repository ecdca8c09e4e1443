import { create } from "qrcode";

/** Black on white by their numbers among the 256 colours, which a terminal's theme leaves alone; and back. */
const BLACK_ON_WHITE = "\u001b[38;5;16;48;5;231m";
const RESET = "\u001b[0m";
/** Empty squares around the picture. Four are the standard's; with two it fits onto 80 columns, and cameras take it. */
const MARGIN = 2;

/**
 * A text as a QR code for a terminal, two squares to a character. With the least correction: a screen has no scratches, and the
 * picture stays small.
 */
export function qrPicture(text: string): string {
  const { modules } = create(text, { errorCorrectionLevel: "L" });
  const { size } = modules;
  const dark = (row: number, column: number) =>
    row >= 0 && row < size && column >= 0 && column < size && modules.get(row, column) !== 0;
  const places = (step: number) =>
    Array.from({ length: Math.ceil((size + 2 * MARGIN) / step) }, (_, index) => index * step - MARGIN);
  return places(2)
    .map((row) => {
      const cells = places(1).map((column) => {
        const [upper, lower] = [dark(row, column), dark(row + 1, column)];
        return upper ? (lower ? "█" : "▀") : lower ? "▄" : " ";
      });
      return `${BLACK_ON_WHITE}${cells.join("")}${RESET}`;
    })
    .join("\n");
}
