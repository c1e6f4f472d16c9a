/**
 * Fetches the page again every few seconds and puts in the parts that changed, so that a reader keeps scroll,
 * focus and selection. Without scripting the page stands still and the browser's reload renews it.
 */
export const refreshMs = 3_000;

export const script = `
'use strict';
const pause = document.getElementById('pause');
const state = document.getElementById('state');
let paused = false;
pause.hidden = false;
state.textContent = 'updates every ${refreshMs / 1000} s';
pause.addEventListener('click', () => {
  paused = !paused;
  pause.textContent = paused ? 'Resume updates' : 'Pause updates';
  state.textContent = paused ? 'paused' : 'updates every ${refreshMs / 1000} s';
});
for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = 'Copied';
  });
}
async function refresh() {
  if (paused || document.hidden) return;
  try {
    const reply = await fetch('/plain', { headers: { accept: 'text/html' } });
    if (!reply.ok) throw new Error('status ' + reply.status);
    const fresh = new DOMParser().parseFromString(await reply.text(), 'text/html');
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = fresh.getElementById(part.id);
      if (next && next.innerHTML !== part.innerHTML) part.innerHTML = next.innerHTML;
    }
    state.textContent = 'updates every ${refreshMs / 1000} s';
    state.className = 'soft';
  } catch {
    state.textContent = 'the gateway does not answer; trying again';
    state.className = 'bad';
  }
}
setInterval(refresh, ${refreshMs});
`;
