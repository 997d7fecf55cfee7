// Draws the charts with what the reader chose, and shows the run whose mark or button is clicked.
(() => {
  const sweep = JSON.parse(document.getElementById("sweep").textContent);
  const $ = (selector) => document.querySelector(selector);
  for (const part of document.querySelectorAll(".scripted[hidden]")) part.hidden = false;

  const dimension = (field) => sweep.dimensions.find((d) => d.field === field);
  const filters = [...document.querySelectorAll(".controls fieldset")];

  function passing() {
    const wanted = filters.map((set) => [
      set.dataset.field,
      new Set([...set.querySelectorAll(":checked")].map((box) => box.value)),
    ]);
    return (item) => wanted.every(([field, values]) => !(field in item) || values.has(String(item[field])));
  }

  function data(x, passes) {
    const kept = Object.fromEntries(
      Object.entries(sweep.data).map(([name, items]) => [name, items.filter(passes)]),
    );
    const along = ["beta", "beta_norm"].includes(x) ? ["beta", "beta_norm"] : [x];
    const others = sweep.dimensions.map((d) => d.field).filter((f) => f !== "seed" && !along.includes(f));
    if (!along.includes("beta")) others.splice(others.indexOf("beta_norm"), 1); // it follows from beta and M
    for (const setting of kept.settings) setting.line = others.map((f) => setting[f]).join(" ");
    kept.finished = kept.runs.filter((run) => run.state === "finished");
    kept.failed = kept.runs.filter((run) => run.state === "failed" && "score" in run);
    kept.best = kept.settings.filter((setting) => setting.best);
    kept.own_best = kept.settings.filter((setting) => setting.own_best);
    return kept;
  }

  function filled(spec, x, colour) {
    const along = ["beta", "beta_norm", x.field].includes(colour.field); // it changes along a line
    const channels = { $x: x.x, $colour: colour.colour, $line: along ? { value: "#888888" } : colour.colour, $shape: colour.shape, $run: sweep.tooltips.run, $setting: sweep.tooltips.setting };
    return JSON.parse(JSON.stringify(spec), (_, value) => channels[value] ?? value);
  }

  const views = {};
  let drawn = ""; // what the charts on the page were made for

  function draw() {
    const [x, colour] = [dimension($("#x").value), dimension($("#colour").value)];
    const passes = passing();
    const datasets = data(x.field, passes);
    if (!["beta", "beta_norm"].includes(x.field) || colour.field !== "latents") datasets.curves = [];
    const full = Object.keys(datasets).filter((name) => datasets[name].length);
    const wanted = JSON.stringify([x.field, colour.field, full]);
    const refill = wanted === drawn && sweep.charts.every(({ name }) => views[name]);
    drawn = wanted;
    for (const { name } of refill ? sweep.charts : []) {
      for (const set of full) if (sets(name).has(set)) views[name].data(set, datasets[set]);
      views[name].runAsync();
    }
    for (const chart of refill ? [] : sweep.charts) {
      delete views[chart.name];
      const spec = {
        ...filled(chart.spec, x, colour),
        $schema: "https://vega.github.io/schema/vega-lite/v6.json",
        datasets,
        width: "container",
        autosize: { type: "fit-x", contains: "padding" },
        background: "transparent",
        description: chart.finding,
        config: { ...sweep.config, legend: { ...sweep.config.legend, columns: innerWidth < 600 ? 2 : 6 } },
      };
      spec.layer = spec.layer.filter((layer) => datasets[layer.data.name].length); // no scale of nothing
      const actions = { export: true, source: false, compiled: false, editor: false };
      const options = { ast: true, renderer: "svg", actions, downloadFileName: `${sweep.name}-${chart.name}` };
      vegaEmbed(`#${chart.name}`, spec, options)
        .then(({ view }) => (views[chart.name] = view).addEventListener("click", (_, item) => item?.datum?.run && show(item.datum.run)))
        .catch((error) => console.error(chart.name, error));
    }
    const of = Object.fromEntries([...sweep.data.runs.map((r) => [r.run, r]), ...sweep.data.settings.map((s) => [s.key, s])]);
    for (const row of document.querySelectorAll("tr[data-key]")) row.hidden = row.dataset.key in of && !passes(of[row.dataset.key]);
    $("#shown").textContent = `${datasets.runs.length} of ${sweep.data.runs.length} runs shown`;
  }

  function sets(name) {
    return new Set(sweep.charts.find((chart) => chart.name === name).spec.layer.map((layer) => layer.data.name));
  }

  function show(id) {
    const run = sweep.data.runs.find((r) => r.run === id);
    if (!run) return;
    const dialog = $("#run");
    const picture = sweep.pictures[id];
    dialog.querySelector("h2").textContent = `Run ${id}`;
    const facts = sweep.tooltips.run.filter(({ field }) => field !== "run").map(({ field, title }) => [title, run[field]]);
    dialog.querySelector("dl").replaceChildren(
      ...facts.filter(([, value]) => value !== undefined).flatMap(([title, value]) => {
        const [term, said] = [document.createElement("dt"), document.createElement("dd")];
        term.textContent = title;
        said.textContent = typeof value === "number" ? String(Number(value.toPrecision(4))).replace("-", "−") : value;
        return [term, said];
      }),
    );
    const place = dialog.querySelector(".picture");
    place.replaceChildren();
    if (picture) {
      const image = document.createElement("img");
      image.src = `data:image/webp;base64,${picture}`;
      image.alt = "Its traversals: one row per latent, highest KL first, from its lowest to its highest value";
      place.append(image);
    } else if (run.state === "finished") {
      place.textContent = `Its traversals are in the store: runs/${id}/traversal.png.`;
    }
    const mlflow = $("#run-mlflow");
    if (mlflow) mlflow.href = sweep.mlflow[id];
    dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.run");
    if (button) show(button.dataset.run);
  });
  if (!sweep.charts.length) return; // a single setting
  $(".controls").addEventListener("change", draw);
  $(".controls").addEventListener("submit", (event) => event.preventDefault());
  draw();
})();
