// Trains as the example's page does and compares with what the CPU executor found.

// As tests/portability.rs allows native adapters.
const PARAMETER_TOLERANCE = 2e-5;
const ACCURACY_TOLERANCE = 1e-3;

// The largest difference; NaN or another length is infinitely far.
function deviation(found, wanted) {
  if (found.length !== wanted.length) return Infinity;
  const apart = wanted.map((number, i) => Math.abs(found[i] - number));
  return apart.every(Number.isFinite) ? apart.reduce((a, b) => Math.max(a, b), 0) : Infinity;
}

async function compareParameters(laboratory, expected, lines) {
  await laboratory.train(expected.steps);
  const apart = deviation(await laboratory.parameters(), expected.parameters);
  // Negative control: parameters of one step more are too far away.
  await laboratory.train(1);
  const later = deviation(await laboratory.parameters(), expected.parameters);
  lines.push(`${expected.parameters.length} parameters after ${expected.steps} steps: within ${apart.toExponential(1)} ` +
    `of the CPU executor's (allowed: ${PARAMETER_TOLERANCE}); one step later ${later.toExponential(1)}`);
  return expected.parameters.length > 0 && apart <= PARAMETER_TOLERANCE && later > PARAMETER_TOLERANCE;
}

function compareAccuracies(found, expected, lines) {
  lines.push("task   accuracies in the browser   on the CPU executor");
  const digits = (all) => all.map((accuracy) => accuracy.toFixed(4)).join(" ");
  found.forEach((all, task) =>
    lines.push(`${String(task + 1).padStart(4)}   ${digits(all)}        ${digits(expected[task])}`));
  const apart = deviation(found.flat(), expected.flat());
  lines.push(`within ${apart.toExponential(1)} (allowed: ${ACCURACY_TOLERANCE})`);
  return found.length > 0 && apart <= ACCURACY_TOLERANCE;
}

async function compare() {
  const { open, train } = await import("./page.js");
  const expected = await (await fetch("expected.json")).json();
  const [figure, standing] = ["figure", "standing"].map((id) => document.getElementById(id));
  const lines = [];
  const parametersAgree = await compareParameters(await open(), expected, lines);
  const found = await train(await open(), expected.accuracies.length, figure, standing);
  const accuraciesAgree = compareAccuracies(found, expected.accuracies, lines);
  const passed = parametersAgree && accuraciesAgree;
  lines.push(passed ? "the browser trains as the CPU executor does" : "the browser trains differently");
  return { passed, report: lines.join("\n"), accuracies: found };
}

const failed = (error) => ({ passed: false, report: `${error.stack ?? error.message ?? error}` });
const result = await compare().catch(failed);
document.getElementById("standing").textContent = result.report;
await fetch("report", { method: "POST", body: JSON.stringify(result) });
