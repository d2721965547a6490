// What a library cannot know: which chart is drawn where, in which colours, at which step.
const root = document.documentElement;
const templates = JSON.parse(document.getElementById("templates").textContent);
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
const template = () => templates[prefersDark.matches ? "dark" : "light"];
const stepped = [];

function unpacked({ bits, width, bytes }) {
  const raw = Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0)).buffer;
  const values = bits === 64 ? new Float64Array(raw) : new Float32Array(raw);
  return (row) => values.subarray(row * width, (row + 1) * width);
}

async function draw(figure) {
  const canvas = figure.querySelector(".canvas");
  const { data, layout, stepped: moves } = JSON.parse(figure.querySelector("script").textContent);
  await Plotly.newPlot(canvas, data, { ...layout, template: template() }, config);
  if (moves) {
    const tables = { x: moves.x.map(unpacked), y: moves.y.map(unpacked) };
    stepped.push({ canvas, traces: moves.traces, ...tables });
  }
  return canvas;
}

function redraw(canvas, data, layout) {
  return Plotly.react(canvas, data, { ...layout, template: template() }, config);
}

function moveTo(position) {
  return Promise.all(stepped.map(({ canvas, traces, x, y }) => {
    const change = { y: y.map((row) => row(position)) };
    if (x.length) change.x = x.map((row) => row(position));
    return Plotly.restyle(canvas, change, traces);
  }));
}

function followSlider(slider) {
  const steps = JSON.parse(document.getElementById("steps").textContent);
  const shown = document.getElementById("step-shown");
  const follow = () => {
    const step = steps[slider.value];
    shown.value = step;
    slider.setAttribute("aria-valuetext", `step ${step}`);
    moveTo(Number(slider.value));
  };
  slider.addEventListener("input", follow);
  document.querySelector("#heat-map .canvas")?.on("plotly_click", ({ points: [point] }) => {
    slider.value = steps.findLastIndex((step) => step <= point.x);
    follow();
  });
  follow();
}

root.classList.toggle("dark", prefersDark.matches); // what DataTables goes by
prefersDark.addEventListener("change", () => {
  root.classList.toggle("dark", prefersDark.matches);
  for (const canvas of document.querySelectorAll(".js-plotly-plot")) {
    Plotly.relayout(canvas, { template: template() });
  }
});

await Promise.all([...document.querySelectorAll("figure.plot:has(> script)")].map(draw));
const slider = document.getElementById("step");
if (slider) followSlider(slider);
