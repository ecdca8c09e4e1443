import Module from "node:module";

/*
 * To be imported before the SDK. Two thirds of the time that it takes to load go into what makes text of functions: TypeScript and npm's
 * own tree of packages. No resource of the program has a function, so here they are never loaded.
 */

const unused = new Set(["../../typescript-shim", "@npmcli/arborist"]);

const absent = new Proxy(
  {},
  {
    get(_, name) {
      // Asked by whoever imports it.
      if (name === "__esModule") return false;
      throw new Error("the embedded engine makes no text of functions: use the Pulumi CLI");
    },
  },
);

type Load = (this: unknown, request: string, parent: { filename?: string } | undefined, isMain: boolean) => unknown;
const loader = Module as unknown as { _load: Load };
const load = loader._load;

loader._load = function (request, parent, isMain) {
  const bySdk = parent?.filename?.includes("/@pulumi/pulumi/runtime/closure/");
  return bySdk && unused.has(request) ? absent : load.call(this, request, parent, isMain);
};
