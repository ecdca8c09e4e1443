/** What the commands know of the world around them. */
export interface Desk {
  /** The folder of Pulumi.yaml. */
  readonly projectDir: string;
  /** Where the operator stands: relative paths on the command line begin here. */
  readonly workDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** What was asked for, on standard output. */
  readonly print: (text: string) => void;
  /** Whether standard output shows colours. */
  readonly colours: boolean;
  /** What is worth knowing beside it, on standard error, so that output can be piped. */
  readonly remark: (text: string) => void;
}

/** The stack's name as it is given to `pulumi`, and the file that holds its settings. */
export interface Stack {
  readonly name: string;
  /** Name of the file in the project's folder. */
  readonly file: string;
}
