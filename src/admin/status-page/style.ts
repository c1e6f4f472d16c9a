/** One column on a phone, two where there is room; colours follow the reader's light or dark setting. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d5dae0; --paper: #fff; --card: #f6f8fa;
  --good: #1a7f37; --warn: #9a6700; --bad: #cf222e; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #30363d; --paper: #0d1117;
  --card: #161b22; --good: #3fb950; --warn: #d29922; --bad: #ff7b72; --link: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: baseline; justify-content: space-between; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
p { margin: .25rem 0; } a { color: var(--link); }
main { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); margin-top: 1rem; }
@media (min-width: 50rem) { main { grid-template-columns: repeat(2, minmax(0, 1fr)); } .wide { grid-column: 1 / -1; } }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); } th, td { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top; }
th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody th { color: inherit; border: 0; }
td.number, th.number { text-align: right; white-space: nowrap; }
pre { margin: .5rem 0; padding: .75rem; background: var(--paper); border: 1px solid var(--line); border-radius: .375rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .875rem; }
button { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: .375rem;
  padding: .25rem .75rem; cursor: pointer; }
form { margin: 0; } .row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin-top: .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; } ul, ol { margin: 0; padding-left: 1.5rem; } li + li { margin-top: .5rem; } q { overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--link); }
button:focus-visible, a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); } .soft { color: var(--soft); }
.good, .warn, .bad { font-weight: 600; }
[hidden] { display: none; }
`;
