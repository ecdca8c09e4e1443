import { defineConfig } from "vitest/config";

// A run ends with the first line of each failure: what was found stands in it, and not "[ Array(1) ]".
const chaiConfig = { truncateThreshold: 1000 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          chaiConfig,
          include: ["test/**/*.test.ts"],
          exclude: ["test/lab/**"],
          globalSetup: "test/temporaryFolder.ts",
          // For what hangs: nothing is timed, and machines are slow at times.
          testTimeout: 300_000,
        },
      },
      {
        test: {
          name: "lab",
          chaiConfig,
          include: ["test/lab/**/*.test.ts"],
          // All of them drive the same machines.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
