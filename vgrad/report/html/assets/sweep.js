const byId = (id) => document.getElementById(id);
const stored = (id) => JSON.parse(byId(id).textContent);

// -- the matrix of two keys -------------------------------------------------------------------
function transposed(table) {
  return table[0].map((_, column) => table.map((row) => row[column]));
}

function drawing(drawings, rows, columns, metric) {
  const straight = drawings[`${rows}|${columns}|${metric}`];
  if (straight) return straight;
  const turned = drawings[`${columns}|${rows}|${metric}`];
  if (!turned) return null;
  const tables = Object.fromEntries(["z", "text", "hover"].map((k) => [k, transposed(turned[k])]));
  return { ...turned, ...tables, rows: turned.columns, columns: turned.rows };
}

function chooseMatrix() {
  const { drawings, scales } = stored("drawings");
  const selects = ["rows", "columns", "metric"].map((name) => byId(`matrix-${name}`));
  const canvas = document.querySelector("#matrix .canvas");
  let before = selects.map((select) => select.value);
  const show = () => {
    let [rows, columns, metric] = selects.map((select) => select.value);
    if (rows === columns) { // the other key takes the place that this one left
      const changed = rows === before[0] ? 1 : 0;
      selects[1 - changed].value = before[changed];
      [rows, columns, metric] = selects.map((select) => select.value);
    }
    before = [rows, columns, metric];
    const title = selects[2].selectedOptions[0].textContent;
    const found = drawing(drawings, rows, columns, metric);
    byId("matrix-heading").textContent = found
      ? `${title} by ${rows} and ${columns}`
      : `${rows} × ${columns}: too many values for a matrix`;
    canvas.hidden = !found;
    return found && redraw(canvas, [matrixTrace(found, scales, rows, columns, title)], {
      xaxis: { title: { text: columns }, type: "category", showgrid: false },
      yaxis: { title: { text: rows }, type: "category", showgrid: false, autorange: "reversed" },
    });
  };
  for (const select of selects) select.addEventListener("change", show);
  return show();
}

function matrixTrace(found, scales, rows, columns, title) {
  const [low, high] = found.range;
  return {
    type: "heatmap", x: found.columns, y: found.rows, z: found.z, zmin: low, zmax: high,
    colorscale: scales[found.colours], reversescale: found.reversed,
    text: found.text, texttemplate: "%{text}", customdata: found.hover, xgap: 1, ygap: 1,
    hovertemplate: `${rows} %{y}<br>${columns} %{x}<br>${title} %{customdata}<extra></extra>`,
    colorbar: { tickvals: [low, high], ticktext: found.ends, outlinewidth: 0, thickness: 14 },
  };
}

// -- the table of runs ------------------------------------------------------------------------
async function tables() {
  const source = new Blob([byId("tables-bundle").textContent], { type: "text/javascript" });
  const url = URL.createObjectURL(source);
  const bundle = await import(url);
  URL.revokeObjectURL(url);
  return bundle;
}

function escaped(text) {
  const span = document.createElement("span");
  span.textContent = text;
  return span.innerHTML;
}

const spelt = {
  rank: (value) => (value === null ? "" : String(value)),
  run: (value) => `<a href="#${encodeURIComponent(value)}">${escaped(value.split("-")[0])}</a>`,
  text: (value) => (value === null ? "" : escaped(String(value))),
  value: (value) => escaped(String(value)),
  share: (value) => (typeof value === "number" ? `${(100 * value).toFixed(1)}%` : value ?? "—"),
  number: (value) => (typeof value === "number" ? String(Number(value.toPrecision(4))) : value ?? "—"),
};
const sortable = (value) => {
  if (value === "inf") return Infinity;
  return value === null || value === "-inf" || value === "nan" ? -Infinity : value;
};

function column({ title, kind }, index, rows) {
  const numeric = rows.every((row) => row[index] === null || typeof sortable(row[index]) === "number");
  return {
    title, type: numeric ? "num" : "string", className: numeric ? "dt-right" : "dt-left",
    render: (value, use) => (use === "filter" ? value ?? "" : use === "sort" || use === "type" ? (numeric ? sortable(value) : value ?? "") : spelt[kind](value)),
  };
}

async function showTable() {
  const { columns, rows, keys } = stored("table");
  if (!byId("ranked")) return;
  const { ITable } = await tables();
  new ITable(byId("ranked"), {
    data_json: JSON.stringify(rows),
    columns: columns.map((one, index) => column(one, index, rows)),
    deferRender: true, order: [], pageLength: 25, scrollX: true, autoWidth: false,
    layout: { topStart: "pageLength", topEnd: "search", bottomStart: "info", bottomEnd: "paging" },
    language: { search: "Filter", lengthMenu: "_MENU_ runs a page", info: "_START_ to _END_ of _TOTAL_ runs", infoFiltered: "(of _MAX_)", infoEmpty: "No run", zeroRecords: "No run holds that" },
  });
  const show = () => showRun(decodeURIComponent(location.hash.slice(1)), columns, rows, keys);
  addEventListener("hashchange", show);
  show();
}

function showRun(id, columns, rows, keys) {
  const row = rows.find((one) => one[1] === id);
  byId("run").hidden = !row;
  if (!row) return;
  const sweep = byId("table").dataset.sweep;
  byId("run-title").textContent = id;
  byId("run-files").href = `./${encodeURIComponent(id)}/`;
  byId("run-command").textContent = `vgrad report '${sweep}/${id}' --html --open`;
  byId("run-facts").replaceChildren(...columns.slice(2).map(({ title, kind }, index) => {
    const pair = document.createElement("div");
    pair.append(document.createElement("dt"), document.createElement("dd"));
    pair.firstChild.innerHTML = title;
    if (index < keys.length) pair.firstChild.textContent = keys[index];
    pair.lastChild.innerHTML = spelt[kind](row[index + 2]);
    return pair;
  }));
  byId("run").scrollIntoView({ block: "center" });
  byId("run").focus({ preventScroll: true });
}

document.querySelector("#parallel .canvas")?.on("plotly_click", ({ points: [point] }) => {
  if (point.customdata) location.hash = encodeURIComponent(point.customdata);
});
if (byId("drawings")) await chooseMatrix();
await showTable();
