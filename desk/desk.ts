/** What the commands know of the world around them. */
export interface Desk {
  /** The folder of Pulumi.yaml. */
  readonly projectDir: string;
  /** The folder of the stacks' files. Default: that of Pulumi.yaml. */
  readonly stackDir?: string;
  /** What the operator types, for messages. Default: {@link usualWords}. */
  readonly words?: Words;
  /** Reads an output of the deployed stack, whose secrets are shown. Default: by the Pulumi CLI. */
  readonly readOutput?: (output: string) => Promise<unknown>;
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

export interface Words {
  /** The commands on clients. */
  readonly client: string;
  /** An option that names a stack, with a blank before it; empty where there is one stack. */
  readonly stackOption: (stack: string) => string;
  readonly up: (stack: string) => string;
}

export const usualWords: Words = {
  client: "npm run client --",
  stackOption: (stack) => ` --stack ${stack}`,
  up: (stack) => `pulumi up --stack ${stack}`,
};

/** The stack's name as it is given to `pulumi`, and the file that holds its settings. */
export interface Stack {
  readonly name: string;
  /** Name of the file in the project's folder. */
  readonly file: string;
}
