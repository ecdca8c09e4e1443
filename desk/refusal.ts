/** Why a command does nothing, in the words of whoever has to mend it: the same parts as a fault of the settings. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  /**
   * @param problem what is given, by its key and value, such as `--exit is "vpm"`; never a secret
   * @param allowed what may be given
   * @param mend what to do about it
   */
  constructor(problem: string, allowed: string, mend: string) {
    super(`${problem}; nothing was changed\n  allowed: ${allowed}\n  mend:    ${mend}`);
  }
}
