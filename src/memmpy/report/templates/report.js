"use strict";
// Draws the histograms and curves of the page, each when it is scrolled into view.
(() => {
  const { sets, charts } = JSON.parse(document.getElementById("report-data").textContent);
  const WIDTH = 360, HEIGHT = 190, LEFT = 46, RIGHT = 10, TOP = 8, BOTTOM = 32;
  const NUM_FIRST = 60; // cards of keys at first
  const find = (selector, from = document) => [...from.querySelectorAll(selector)];
  const states = sets.map((set) => ({ view: 0, log: false, norm: set.norm, off: new Set() }));

  function make(name, attributes = {}, text = null) {
    const isSvg = ["svg", "path", "line", "text", "g", "rect", "title"].includes(name);
    const node = isSvg
      ? document.createElementNS("http://www.w3.org/2000/svg", name)
      : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== null) node.textContent = text;
    return node;
  }

  function format(value) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace(/\.?0+e\+?/, "e");
    return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 6 });
  }

  function ticks(low, high, number, least = 0) {
    const raw = Math.max((high - low) / number, least), power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].find((one) => one * power >= raw * 0.999) * power;
    const all = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) all.push(i * step);
    return all;
  }

  function logTicks(low, high) {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    const step = Math.max(1, Math.ceil((last - first + 1) / 5)), all = [];
    for (let power = first; power <= last; power += step) all.push(10 ** power);
    return all.length > 1 ? all : ticks(low, high, 3).filter((one) => one > 0);
  }

  function short(value) {
    const size = Math.abs(value);
    if (size >= 1e4 || (size < 1e-2 && size > 0)) {
      const power = Math.floor(Math.log10(size) + 1e-9), digits = Number((value / 10 ** power).toPrecision(3));
      if (power >= 3 && power < 9) {
        const [unit, name] = power >= 6 ? [1e6, "M"] : [1e3, "k"];
        return `${Number((value / unit).toPrecision(3))}${name}`;
      }
      return `${digits}e${power}`;
    }
    return String(Number(value.toPrecision(6)));
  }

  // The groups of a view: the sums of the bins of all processes (or classes) that belong to it.
  function groupsOf(chart, state) {
    const view = sets[chart.set].views[state.view];
    const sums = view.names.map(() => null);
    chart.bins.forEach((bins, group) => {
      const owner = view.of[group];
      if (!bins || owner < 0) return;
      sums[owner] = sums[owner] ? sums[owner].map((one, i) => one + bins[i]) : bins.slice();
    });
    return sums.map((bins, i) => ({ index: i, name: view.names[i], bins }));
  }

  function edgesOf(chart, num) {
    const [low, high] = chart.labels ? [0, chart.labels.length] : [chart.low, chart.high];
    return Array.from({ length: num + 1 }, (_, i) => low + ((high - low) * i) / num);
  }

  function drawHistogram(plot, chart) {
    const state = states[chart.set];
    const groups = groupsOf(chart, state).filter((group) => group.bins && !state.off.has(group.index));
    for (const group of groups) {
      const total = group.bins.reduce((sum, one) => sum + one, 0);
      group.heights = state.norm ? group.bins.map((one) => (total > 0 ? one / total : 0)) : group.bins;
    }
    const heights = groups.flatMap((group) => group.heights);
    const positive = heights.filter((one) => one > 0);
    let low = Math.min(0, ...heights) * 1.05, high = Math.max(0, ...heights) * 1.08 || 1;
    const isLog = state.log && positive.length > 0;
    if (isLog) [low, high] = [Math.min(...positive) / 1.6, Math.max(...positive) * 1.8];
    const numBins = heights.length ? groups[0].heights.length : 1;
    const edges = edgesOf(chart, numBins), first = edges[0], last = edges[numBins];
    const x = (value) => LEFT + ((value - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
    const y = (value) => {
      const part = isLog
        ? Math.log(Math.max(value, low) / low) / Math.log(high / low)
        : (value - low) / (high - low);
      return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
    };
    const svg = frame(HEIGHT, isLog ? logTicks(low, high) : ticks(low, high, 4), y);
    const base = y(isLog ? low : 0);
    svg.append(make("path", { class: "axis", d: `M${LEFT} ${base}H${WIDTH - RIGHT}` }));
    labelAxis(svg, chart, x, first, last);
    for (const group of groups) {
      let line = `M${x(first).toFixed(1)} ${base.toFixed(1)}`;
      group.heights.forEach((one, i) => (line += `V${y(one).toFixed(1)}H${x(edges[i + 1]).toFixed(1)}`));
      line += `V${base.toFixed(1)}`;
      if (groups.length <= 2) svg.append(make("path", { class: `area h${group.index % 10}`, d: `${line}Z` }));
      svg.append(make("path", { class: `line h${group.index % 10}`, d: line, ...dashes(group.index) }));
    }
    if (!groups.length) svg.append(make("text", { x: WIDTH / 2, y: HEIGHT / 2, "text-anchor": "middle" }, "nothing to show"));
    plot.replaceChildren(svg);
  }

  // A second round of the ten colours is dashed.
  function dashes(index) {
    return index < 10 ? {} : { "stroke-dasharray": index < 20 ? "5 3" : "2 2" };
  }

  function frame(height, yTicks, y) {
    const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${height}`, "aria-hidden": "true", focusable: "false" });
    for (const value of yTicks) {
      const at = y(value).toFixed(1);
      svg.append(make("path", { class: "mesh", d: `M${LEFT} ${at}H${WIDTH - RIGHT}` }));
      svg.append(make("text", { x: LEFT - 6, y: at, dy: "0.32em", "text-anchor": "end" }, short(value)));
    }
    return svg;
  }

  function labelAxis(svg, chart, x, first, last, height = HEIGHT) {
    const write = (at, text) =>
      svg.append(make("text", { x: x(at).toFixed(1), y: height - BOTTOM + 15, "text-anchor": "middle" }, text));
    if (chart.labels) {
      const room = Math.floor((WIDTH - LEFT - RIGHT) / chart.labels.length / 6.2);
      if (room < 3) return;
      chart.labels.forEach((label, i) => write(i + 0.5, label.length > room ? `${label.slice(0, room - 1)}…` : label));
    } else {
      const isWhole = Math.abs(first % 1) === 0.5; // bins around integers
      const name = (all) => {
        const names = all.map(short);
        return new Set(names).size === all.length ? names : all.map((value) => {
          const exact = Number(value.toPrecision(9));
          return Math.abs(exact) < 1e10 ? String(exact) : exact.toExponential().replace("+", "");
        });
      };
      let number = 6, all = ticks(first, last, number, isWhole ? 1 : 0);
      while (number > 1 && Math.max(...name(all).map((one) => one.length)) * all.length * 6.5 > WIDTH - LEFT - RIGHT) {
        number -= 1;
        all = ticks(first, last, number, isWhole ? 1 : 0);
      }
      name(all).forEach((text, i) => write(all[i], text));
    }
  }

  function drawCurves(plot, chart) {
    const state = states[chart.set], view = sets[chart.set].views[state.view];
    const low = chart.low, high = chart.high, height = WIDTH;
    const x = (value) => LEFT + ((value - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
    const y = (value) => height - BOTTOM - ((value - low) / (high - low)) * (height - TOP - BOTTOM);
    const svg = frame(height, ticks(low, high, 5), y);
    labelAxis(svg, chart, x, low, high, height);
    svg.append(make("text", { x: (LEFT + WIDTH) / 2, y: height - 2, "text-anchor": "middle" }, chart.axes[0]));
    svg.append(make("text", { x: 10, y: height / 2, transform: `rotate(-90 10 ${height / 2})`, "text-anchor": "middle" }, chart.axes[1]));
    svg.append(make("path", { class: "mesh", "stroke-dasharray": "4 4", d: `M${x(0)} ${y(0)}L${x(1)} ${y(1)}` }));
    chart.curves.forEach(([xs, ys], i) => {
      if (state.off.has(view.of[i])) return;
      const d = xs.map((one, j) => `${j ? "L" : "M"}${x(one).toFixed(1)} ${y(ys[j]).toFixed(1)}`).join("");
      svg.append(make("path", { class: `line h${view.of[i] % 10}`, d, ...dashes(view.of[i]) }));
    });
    plot.classList.add("square");
    plot.replaceChildren(svg);
  }

  // Blue for -1, grey for 0, orange for 1.
  function drawMatrix(plot, chart) {
    const num = chart.names.length, room = Math.min(110, 6 * Math.max(...chart.names.map((one) => one.length)) + 8);
    const size = (WIDTH - room) / num, font = Math.min(11, size * 1.1).toFixed(1);
    const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${WIDTH}`, "aria-hidden": "true", focusable: "false", "shape-rendering": "crispEdges" });
    chart.matrix.forEach((row, i) => row.forEach((value, j) => {
      const share = value === null ? 0 : Math.round(Math.abs(value) * 100);
      const hue = value < 0 ? "#3f90da" : "#e76300";
      const cell = make("rect", { x: room + j * size, y: i * size, width: size, height: size, style: `fill: color-mix(in oklab, ${hue} ${share}%, var(--soft))` });
      cell.append(make("title", {}, `${chart.names[i]}, ${chart.names[j]}: ${value === null ? "not defined" : value}`));
      svg.append(cell);
    }));
    chart.names.forEach((name, i) => {
      const text = name.length > 17 ? `${name.slice(0, 16)}…` : name, at = (i + 0.5) * size;
      const style = `font-size: ${font}px`;
      svg.append(make("text", { x: room - 6, y: at, dy: "0.32em", "text-anchor": "end", style }, text));
      const turn = `translate(${room + at} ${WIDTH - room + 6}) rotate(-90)`;
      svg.append(make("text", { transform: turn, dy: "0.32em", "text-anchor": "end", style }, text));
    });
    plot.classList.add("square");
    plot.replaceChildren(svg);
  }

  function draw(card) {
    const chart = charts[card.dataset.chart], plot = card.querySelector(".plot");
    if (chart.bins) drawHistogram(plot, chart);
    else if (chart.curves) drawCurves(plot, chart);
    else if (chart.matrix) drawMatrix(plot, chart);
    else return;
    const details = card.querySelector("details");
    if (details?.open) fillNumbers(details, chart);
  }

  function fillNumbers(details, chart) {
    const groups = groupsOf(chart, states[chart.set]).filter((group) => group.bins);
    const table = make("table"), head = make("tr"), body = make("tbody");
    head.append(make("th", { scope: "col" }, chart.labels ? "value" : "from"));
    if (!chart.labels) head.append(make("th", { scope: "col" }, "to"));
    for (const group of groups) head.append(make("th", { scope: "col", class: "num" }, group.name));
    const num = groups.length ? groups[0].bins.length : 0, edges = edgesOf(chart, num);
    for (let i = 0; i < num; i += 1) {
      const row = make("tr");
      row.append(make("th", { scope: "row" }, chart.labels ? chart.labels[i] : format(edges[i])));
      if (!chart.labels) row.append(make("td", {}, format(edges[i + 1])));
      for (const group of groups) row.append(make("td", { class: "num" }, format(group.bins[i])));
      body.append(row);
    }
    const header = make("thead");
    header.append(head);
    table.append(header, body);
    details.querySelector(".bins").replaceChildren(table);
  }

  // Cards in view are drawn now, the others when they come into view.
  const inView = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) {
        inView.add(target);
        if (!target.dataset.drawn) { draw(target); target.dataset.drawn = "yes"; }
      } else inView.delete(target);
    }
  }, { rootMargin: "300px" });
  const cards = find(".card");
  for (const card of cards) {
    observer.observe(card);
    card.querySelector("details")?.addEventListener("toggle", (event) => {
      if (event.target.open) fillNumbers(event.target, charts[card.dataset.chart]);
    });
  }
  function redraw(set) {
    for (const card of cards) {
      if (charts[card.dataset.chart].set !== set) continue;
      delete card.dataset.drawn;
      if (inView.has(card)) { draw(card); card.dataset.drawn = "yes"; }
    }
  }
  window.addEventListener("beforeprint", () => cards.filter((card) => !card.hidden).forEach(draw));

  function fillLegend(bar, set) {
    const state = states[set], view = sets[set].views[state.view], legend = bar.querySelector(".legend");
    legend.replaceChildren(...view.names.map((name, i) => {
      const button = make("button", { type: "button", "aria-pressed": String(!state.off.has(i)), class: `h${i % 10}` });
      button.append(make("i", { "aria-hidden": "true" }), make("span", {}, name));
      button.addEventListener("click", () => {
        if (!state.off.delete(i)) state.off.add(i);
        button.setAttribute("aria-pressed", String(!state.off.has(i)));
        redraw(set);
      });
      return button;
    }));
    legend.hidden = view.names.length < 2;
  }

  for (const bar of find(".toolbar")) {
    const set = Number(bar.dataset.set), state = states[set];
    fillLegend(bar, set);
    for (const button of find("[data-toggle]", bar)) {
      button.addEventListener("click", () => {
        const name = button.dataset.toggle;
        state[name] = !state[name];
        button.setAttribute("aria-pressed", String(state[name]));
        redraw(set);
      });
    }
    bar.querySelector("[data-view]")?.addEventListener("change", (event) => {
      state.view = Number(event.target.value);
      state.off.clear();
      fillLegend(bar, set);
      redraw(set);
    });
  }

  // Search. Each word must be in the name; * stands for any characters of a whole name.
  const search = document.getElementById("search"), more = document.getElementById("more");
  const keyCards = find("#key-grid > .card");
  let isWhole = false;
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const tests = words.map((word) => {
      if (!word.includes("*")) return (name) => name.includes(word);
      const parts = word.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
      const pattern = new RegExp(`^${parts.join(".*")}$`);
      return (name) => pattern.test(name);
    });
    let number = 0, shown = 0;
    for (const card of keyCards) {
      const name = card.dataset.name.toLowerCase();
      const isMatch = tests.every((test) => test(name));
      number += isMatch;
      card.hidden = !isMatch || (!isWhole && number > NUM_FIRST);
      shown += !card.hidden;
    }
    const some = words.length ? `${number} of ${keyCards.length} keys match` : `${number} keys`;
    document.getElementById("found").textContent = shown < number ? `${some}, ${shown} shown` : some;
    more.hidden = shown === number;
    more.textContent = words.length ? `Show all ${number} matches` : `Show all ${number} keys`;
  }
  if (search) {
    search.addEventListener("input", filter);
    more.addEventListener("click", () => {
      const next = keyCards.find((card) => card.hidden);
      isWhole = true;
      filter();
      next?.querySelector("summary")?.focus();
    });
    filter();
  }

  // The theme: that of the system until the button is pressed.
  const theme = document.getElementById("theme"), root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const store = (action) => { try { return action(window.localStorage); } catch { return null; } };
  const kept = store((storage) => storage.getItem("memmpy-theme"));
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  const nameTheme = () => { theme.textContent = isDark() ? "Light theme" : "Dark theme"; };
  theme.hidden = false;
  nameTheme();
  dark.addEventListener("change", nameTheme);
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    store((storage) => storage.setItem("memmpy-theme", root.dataset.theme));
    nameTheme();
  });

  // A table that is wider than the page can be scrolled with the keyboard.
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth + 1 || target.scrollHeight > target.clientHeight + 1) {
        target.setAttribute("tabindex", "0");
      } else target.removeAttribute("tabindex");
    }
  });
  find(".scroll").forEach((one) => sizes.observe(one));

  // The section in view is marked in the navigation.
  const links = new Map(find("nav a").map((link) => [link.hash.slice(1), link]));
  const spy = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  find("section[id]").forEach((section) => spy.observe(section));
})();
