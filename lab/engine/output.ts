/** What an error shows of a command's output: its last lines. */
export const endOfOutput = (lines: readonly string[]): string => lines.slice(-20).join("\n");
