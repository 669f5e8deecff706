"""The look of the page: light and dark, screen and paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfbf9; --card: #ffffff; --ink: #1c2024; --dim: #626a73; --line: #e2e3df; --soft: #f1f2ee;
  --bar: #3a6ea5; --bar2: #a9c3de; --rest: #b9bec4; --good: #2e7d4f; --bad: #b3372f; --warn: #9a6700;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --card: #1b1f23; --ink: #e4e6e8; --dim: #9aa3ac; --line: #30363c; --soft: #22272c;
    --bar: #6ea3d8; --bar2: #34506d; --rest: #596169; --good: #6cc08b; --bad: #ec8a80; --warn: #dcae55;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
.page { display: grid; grid-template-columns: 12.5rem minmax(0, 1fr); gap: 0 3rem; max-width: 84rem; margin: 0 auto;
  padding: 2.5rem 2rem 4rem; }
header { grid-column: 1 / -1; margin-bottom: 2.2rem; }
nav { position: sticky; top: 1.5rem; align-self: start; font-size: 14px; max-height: calc(100vh - 3rem);
  overflow: auto; }
nav ol { list-style: none; margin: 0; padding: 0; border-left: 1px solid var(--line); }
nav a { display: block; padding: 0.22rem 0 0.22rem 0.9rem; color: var(--dim); text-decoration: none; }
nav a:hover, nav a:focus-visible { color: var(--ink); }
nav ol ol { border: 0; } nav ol ol a { padding-left: 1.8rem; font-size: 13px; }
a { color: var(--bar); }
h1 { font-size: 2.3rem; line-height: 1.15; letter-spacing: -0.02em; font-weight: 650; margin: 0.2rem 0 0.5rem; }
h2 { font-size: 1.45rem; letter-spacing: -0.01em; font-weight: 620; margin: 0 0 0.3rem; padding-top: 0.4rem; }
h3 { font-size: 1.02rem; font-weight: 620; margin: 2rem 0 0.5rem; }
h4 { font-size: 0.95rem; font-weight: 600; margin: 0; }
p { max-width: 46rem; margin: 0.4rem 0 0.8rem; }
section { margin-bottom: 3.4rem; }
.kicker { color: var(--dim); font-size: 13px; margin: 0; }
.lead { font-size: 1.08rem; color: var(--dim); margin: 0; max-width: none; }
.dim, .note { color: var(--dim); } .note { font-size: 13.5px; }
.states { display: flex; flex-wrap: wrap; gap: 0.5rem; list-style: none; padding: 0; margin: 1.2rem 0 0;
  font-size: 13.5px; }
.states li { border: 1px solid var(--line); border-radius: 1rem; padding: 0.14rem 0.75rem; background: var(--card); }
.states li::before { content: "●"; margin-right: 0.45em; font-size: 0.8em; color: var(--dim); }
.good::before, .states .good::before { color: var(--good); }
.bad::before, .states .bad::before { color: var(--bad); } .states .warn::before { color: var(--warn); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: 1px;
  background: var(--line); border: 1px solid var(--line); border-radius: 6px; overflow: hidden; margin: 1.6rem 0 0; }
.figures div { background: var(--card); padding: 0.75rem 1rem; }
.figures b { display: block; font-size: 1.4rem; line-height: 1.25; font-weight: 600;
  font-variant-numeric: tabular-nums; letter-spacing: -0.01em; }
.figures span { color: var(--dim); font-size: 13px; }
dl.facts { display: grid; grid-template-columns: minmax(8rem, max-content) minmax(0, 1fr); gap: 0.25rem 1.5rem;
  margin: 0.8rem 0; }
dl.facts dt { color: var(--dim); } dl.facts dd { margin: 0; font-variant-numeric: tabular-nums; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 0.9rem; margin: 1rem 0; }
figure { margin: 0; break-inside: avoid; }
.sheet img, .strip img { display: block; width: 100%; height: auto; border-radius: 4px; background: #181818; }
.sheet figcaption { font-size: 12.5px; line-height: 1.4; color: var(--dim); padding-top: 0.3rem;
  font-variant-numeric: tabular-nums; }
.sheet figcaption b { color: var(--ink); font-weight: 560; }
.channel { margin: 1.6rem 0 0; padding-top: 1.1rem; border-top: 1px solid var(--line); break-inside: avoid; }
.channel > p { font-size: 13.5px; color: var(--dim); margin: 0.1rem 0 0.6rem; max-width: none; }
.strip { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 15rem); gap: 0.4rem; }
.legend { font-size: 12.5px; margin-top: 0.6rem; }
.charts { columns: 20rem; column-gap: 1rem; margin: 0.8rem 0; }
.chart { margin-bottom: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: 0.85rem 1rem 0.8rem; break-inside: avoid; }
.chart h4 small { font-weight: 400; color: var(--dim); font-size: 13px; }
.chart .note { font-size: 12.5px; line-height: 1.45; margin: 0.15rem 0 0.5rem; }
.chart .sum { font-size: 12.5px; line-height: 1.45; color: var(--dim); margin: 0.45rem 0 0;
  font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: auto; max-width: 25rem; overflow: visible; }
svg text { font-size: 11px; fill: var(--ink); font-variant-numeric: tabular-nums; } svg text.dim { fill: var(--dim); }
svg .bar { fill: var(--bar); } svg .bar2 { fill: var(--bar2); } svg .rest { fill: var(--rest); }
svg rect:hover, svg path:hover { opacity: 0.72; }
svg .axis { stroke: var(--dim); stroke-width: 1; } svg .ring { fill: none; stroke: var(--line); stroke-width: 1; }
svg .whisker { stroke: var(--bar); stroke-width: 1.4; } svg .median { stroke: var(--ink); stroke-width: 1.6; }
.key { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; font-size: 12.5px; color: var(--dim);
  margin: 0.2rem 0 0.5rem; }
.key i { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.4em; vertical-align: -0.08em; }
.scroll { overflow-x: auto; margin: 0.8rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; line-height: 1.4; }
th { text-align: left; font-weight: 600; color: var(--dim); border-bottom: 1px solid var(--line);
  padding: 0.3rem 1rem 0.3rem 0; white-space: nowrap; vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); padding: 0.32rem 1rem 0.32rem 0; vertical-align: top;
  font-variant-numeric: tabular-nums; min-width: 4rem; }
th.n, td.n { text-align: right; } td:last-child, th:last-child { padding-right: 0; }
td.n, td code { overflow-wrap: normal; } td .hash { font-size: 11.5px; overflow-wrap: anywhere; }
tr { break-inside: avoid; }
.yes { color: var(--good); } .no { color: var(--bad); font-weight: 600; }
code, pre { font: 12.5px/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 0.8rem 1rem;
  overflow-x: auto; white-space: pre-wrap; margin: 0.6rem 0 1rem; }
details { margin: 0.8rem 0; } summary { cursor: pointer; color: var(--dim); font-size: 14px; }
ul.plain { padding-left: 1.1rem; max-width: 46rem; } ul.plain li { margin: 0.3rem 0; }
footer { grid-column: 2; color: var(--dim); font-size: 13px; border-top: 1px solid var(--line); padding-top: 0.8rem; }
@media screen and (max-width: 62rem) {
  .page { display: block; padding: 1.5rem 1.1rem 3rem; }
  nav { position: static; max-height: none; margin-bottom: 2rem; } nav ol ol { display: none; }
  .charts { columns: 17rem; } .sheet { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
  .strip { grid-auto-flow: row; grid-template-columns: repeat(3, minmax(0, 1fr)); }
  dl.facts { grid-template-columns: 1fr; gap: 0; } dl.facts dd { margin-bottom: 0.5rem; }
}
@media print {
  :root { --ground: #fff; --card: #fff; --ink: #000; --dim: #444; --line: #ccc; --soft: #f5f5f5; --bar: #3a6ea5;
  --bar2: #a9c3de; --rest: #b9bec4; --good: #1d6b3c; --bad: #a32a23; --warn: #7a5200; }
  header { margin-bottom: 1rem; } h1 { font-size: 20pt; } .lead { font-size: 10.5pt; }
.states, .figures { margin-top: 0.7rem; } .states { font-size: 8.5pt; }
  @page { size: A4; margin: 15mm 14mm; }
  body { font-size: 9.5pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .page { display: block; padding: 0; max-width: none; }
  nav { position: static; max-height: none; overflow: visible; columns: 4; margin-bottom: 1rem; }
nav ol ol { display: none; } nav ol { border: 0; } nav a { padding: 0.1rem 0; }
  section { margin-bottom: 1.6rem; } section.leaf { break-before: page; }
section#clips, section#rebuild { break-before: auto; }
  h2, h3, h4 { break-after: avoid; } p, li { orphans: 3; widows: 3; }
  .sheet { grid-template-columns: repeat(6, 1fr); gap: 0.5rem; } .sheet figcaption { font-size: 7pt; }
.charts { columns: 3; column-gap: 0.6rem; } .chart { margin-bottom: 0.6rem; padding: 0.6rem 0.7rem; }
  .figures { grid-template-columns: repeat(6, 1fr); } .figures div { padding: 0.5rem 0.6rem; }
.figures b { font-size: 12pt; } .channel { margin-top: 0.8rem; padding-top: 0.7rem; } .legend { font-size: 7.5pt; }
  .chart .note, .chart .sum, .chart h4 small { font-size: 7.5pt; }
  .chart { border-color: #ccc; } pre { white-space: pre-wrap; } .scroll { overflow: visible; }
  table { font-size: 8pt; } td, th { padding-right: 0.6rem; } a { color: inherit; text-decoration: none; }
details > summary { display: none; }
  .states li, .figures { border-color: #ccc; } .figures { break-inside: avoid; }
}
"""
"""Nothing here loads anything: fonts are those of the system."""
