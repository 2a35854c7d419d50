// Trains task after task, and draws how well each was learned.
import init, { Laboratory } from "./pkg/trainable_web.js";

// Names of the replicas of src/training.rs.
const ARMS = [
  { name: "carried over", colour: "#d55e00" },
  { name: "carried over, with L2-init", colour: "#0072b2" },
  { name: "a fresh network for each task", colour: "#777777", dashes: "4 8" },
];
const [WIDTH, HEIGHT, MARGIN] = [640, 320, 40];

function element(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.textContent = text;
  return made;
}

// Draws accuracies `[task][arm]` as lines, on axes for all tasks.
function plot(accuracies, tasks) {
  const x = (task) => MARGIN + (WIDTH - 2 * MARGIN) * task / Math.max(tasks - 1, 1);
  const y = (accuracy) => HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * accuracy;
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "font-size": 12, role: "img" });
  for (const accuracy of [0, 0.25, 0.5, 0.75, 1]) {
    const at = y(accuracy);
    svg.append(element("line", { x1: x(0), x2: x(tasks - 1), y1: at, y2: at, stroke: "#ddd" }));
    svg.append(element("text", { x: MARGIN - 6, y: at + 4, "text-anchor": "end" }, accuracy));
  }
  svg.append(element("text", { x: WIDTH / 2, y: HEIGHT - 8, "text-anchor": "middle" }, `task, 1 to ${tasks}`));
  svg.append(element("text", { x: MARGIN, y: 16 }, "accuracy in the task's last epoch"));
  ARMS.forEach(({ name, colour, dashes = "none" }, arm) => {
    const points = accuracies.map((all, task) => `${x(task)},${y(all[arm])}`).join(" ");
    const line = { fill: "none", stroke: colour, "stroke-width": 2, "stroke-dasharray": dashes };
    svg.append(element("polyline", { points, ...line }));
    const place = { x: x(0) + 8, y: y(0) - 8 - 16 * (ARMS.length - 1 - arm), fill: colour };
    svg.append(element("text", place, name));
  });
  return svg;
}

// Creates a training that has not begun.
export async function open() {
  if (!navigator.gpu) throw new Error("this browser has no WebGPU");
  await init();
  return Laboratory.open();
}

// Trains on `tasks` tasks, with the plot in `figure` and a line of text in `standing`. Returns the accuracies
// `[task][arm]`.
export async function train(laboratory, tasks, figure, standing) {
  const accuracies = [];
  const begin = performance.now();
  for (let task = 0; task < tasks; task++) {
    accuracies.push(Array.from(await laboratory.train(laboratory.stepsOfTask(task))));
    figure.replaceChildren(plot(accuracies, tasks));
    const scores = ARMS.map(({ name }, arm) => `${name} ${(100 * accuracies[task][arm]).toFixed(1)} %`);
    const seconds = ((performance.now() - begin) / 1e3).toFixed(1);
    standing.textContent = `task ${task + 1} of ${tasks} after ${seconds} s: ${scores.join(", ")}`;
  }
  return accuracies;
}
