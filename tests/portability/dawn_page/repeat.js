// Repeats recorded dispatches on this browser's WebGPU and compares every word of every bound buffer with what the
// CPU executor made of it, as tests/parity.rs does on native adapters. The recording is what its test
// `every_dispatch_is_recorded` writes.

// How far two words are apart in units of what is allowed, 0 for equal integers; Infinity where integers differ or a
// float is not finite.
function deviation(kind, found, wanted, i, { atol, rtol }) {
  if (kind === "u32") return found.u32[i] === wanted.u32[i] ? 0 : Infinity;
  const difference = Math.abs(found.f32[i] - wanted.f32[i]);
  return Number.isFinite(difference) ? difference / (atol + rtol * Math.abs(wanted.f32[i])) : Infinity;
}

// The worst word of a buffer: `{ worst, at }`.
function compare(buffer, found, wanted, tolerance) {
  let [worst, at] = [0, 0];
  for (let i = 0; i < buffer.words; i++) {
    const apart = deviation(buffer.kinds[i % buffer.kinds.length], found, wanted, i, tolerance);
    if (apart > worst) [worst, at] = [apart, i];
  }
  return { worst, at };
}

// The same words as integers and as floats.
function words(u32) {
  return { u32, f32: new Float32Array(u32.buffer, u32.byteOffset, u32.length) };
}

// Words in which one is wrong: an integer by 1, a float by 10 tolerances.
function withOneWrong(buffer, wanted, { atol, rtol }) {
  const wrong = words(wanted.u32.slice());
  const i = Math.floor(buffer.words / 2);
  if (buffer.kinds[i % buffer.kinds.length] === "u32") wrong.u32[i] += 1;
  else wrong.f32[i] += 10 * (atol + rtol * Math.abs(wrong.f32[i]));
  return wrong;
}

// A kernel's pipeline and the layout of its bind group. Whatever the compiler says is a failure.
async function compile(device, kernel, failures) {
  const module = device.createShaderModule({ label: kernel.name, code: kernel.source });
  for (const { type, lineNum, message } of (await module.getCompilationInfo()).messages) {
    if (type !== "info") failures.push(`${kernel.name}, line ${lineNum}: ${type}: ${message}`);
  }
  const entries = ["uniform", ...kernel.bindings].map((type, binding) =>
    ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } }));
  const layout = device.createBindGroupLayout({ entries });
  const pipeline = await device.createComputePipelineAsync({
    label: kernel.name,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: "main" },
  });
  return { pipeline, layout };
}

function createBuffer(device, usage, bytes) {
  const buffer = device.createBuffer({ size: bytes.byteLength, usage, mappedAtCreation: true });
  new Uint8Array(buffer.getMappedRange()).set(bytes);
  buffer.unmap();
  return buffer;
}

// What a dispatch leaves in each of its buffers.
async function run(device, { pipeline, layout }, dispatch, wordsAt) {
  const uniform = createBuffer(device, GPUBufferUsage.UNIFORM, new Uint8Array(dispatch.params));
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
  const bound = dispatch.buffers.map(({ before, words }) => {
    const { u32 } = wordsAt(before, words);
    return createBuffer(device, usage, new Uint8Array(u32.buffer, u32.byteOffset, u32.byteLength));
  });
  const entries = [uniform, ...bound].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(...dispatch.workgroups);
  pass.end();
  const copies = bound.map((buffer) => {
    const copy = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
    return copy;
  });
  device.queue.submit([encoder.finish()]);
  await Promise.all(copies.map((copy) => copy.mapAsync(GPUMapMode.READ)));
  const found = copies.map((copy) => words(new Uint32Array(copy.getMappedRange().slice())));
  [uniform, ...bound, ...copies].forEach((buffer) => buffer.destroy());
  return found;
}

async function repeat() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return { passed: false, report: "found no WebGPU adapter: no kernel was tested" };
  const { vendor, architecture, device: name, description } = adapter.info;
  const lines = [["adapter:", vendor, architecture, name, description].filter(Boolean).join(" ")];
  const failures = [];
  // No limit above the defaults, no feature.
  const device = await adapter.requestDevice();
  device.addEventListener("uncapturederror", ({ error }) => failures.push(error.message));
  device.lost.then(({ reason, message }) => failures.push(`device lost: ${reason} ${message}`));

  const index = await (await fetch("recording.json")).json();
  const recorded = await (await fetch("recording.bin")).arrayBuffer();
  const wordsAt = (begin, count) => words(new Uint32Array(recorded, 4 * begin, count));
  const kernels = new Map();
  for (const kernel of index.kernels) {
    const result = { dispatches: 0, words: 0, worst: 0, noticed: 0, leftTraces: false };
    try {
      result.compiled = await compile(device, kernel, failures);
    } catch (error) {
      failures.push(`${kernel.name}: ${error.message}`);
    }
    kernels.set(kernel.name, result);
  }
  for (const dispatch of index.dispatches) {
    const result = kernels.get(dispatch.kernel);
    if (!result.compiled) continue;
    const all = await run(device, result.compiled, dispatch, wordsAt);
    result.dispatches += 1;
    for (const [number, buffer] of dispatch.buffers.entries()) {
      const [before, wanted] = [wordsAt(buffer.before, buffer.words), wordsAt(buffer.after, buffer.words)];
      const { worst, at } = compare(buffer, all[number], wanted, index);
      result.words += buffer.words;
      result.worst = Math.max(result.worst, worst);
      if (!(worst <= 1)) {
        const kind = buffer.kinds[at % buffer.kinds.length];
        const pair = `${all[number][kind][at]} instead of ${wanted[kind][at]}`;
        failures.push(`${dispatch.kernel}, case ${dispatch.case}, ${buffer.name} at ${at}: ${pair}`);
      }
      // Negative controls: one wrong word is noticed, and so is a kernel that did not run.
      const wrong = withOneWrong(buffer, wanted, index);
      if (compare(buffer, all[number], wrong, index).worst > 1) result.noticed += 1;
      else failures.push(`${dispatch.kernel}, case ${dispatch.case}, ${buffer.name}: a wrong word was not noticed`);
      result.leftTraces ||= compare(buffer, before, wanted, index).worst > 1;
    }
  }
  lines.push("kernel                      dispatches      words  worst / allowed  wrong words noticed");
  for (const [name, result] of kernels) {
    lines.push([name.padEnd(26), String(result.dispatches).padStart(11), String(result.words).padStart(10),
      result.worst.toFixed(4).padStart(16), String(result.noticed).padStart(20)].join(" "));
    if (result.dispatches === 0) failures.push(`${name} did not run`);
    if (!result.leftTraces) failures.push(`${name} left no trace`);
    delete result.compiled;
  }
  const passed = failures.length === 0 && kernels.size > 0;
  const verdict = passed ? `all ${kernels.size} kernels agree` : `${failures.length} failures:`;
  lines.push(verdict, ...failures.slice(0, 40));
  return { passed, report: lines.join("\n"), adapter: adapter.info.description, kernels: Object.fromEntries(kernels) };
}

const result = await repeat().catch((error) => ({ passed: false, report: `${error.stack ?? error}` }));
document.body.textContent = result.report;
await fetch("report", { method: "POST", body: JSON.stringify(result) });
