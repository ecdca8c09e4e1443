import type { Report } from "./fault";

/** What is looked at when settings are compared: where, and what each says. */
export interface Said {
  readonly key: string;
  readonly value: string;
}

/**
 * Reports each that says what one before it says.
 * @param taken what comes before all of them, and is not reported itself
 */
export function checkUnique(
  all: readonly Said[],
  allowed: string,
  mend: string,
  report: Report,
  taken: readonly Said[] = [],
): void {
  const every = [...taken, ...all];
  all.forEach(({ key, value }, index) => {
    const other = every.findIndex((one) => one.value === value);
    if (other !== taken.length + index) report(key, value, `${allowed}; ${every[other]?.key} has it`, mend);
  });
}
