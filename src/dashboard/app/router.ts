/** The address is the state: pages and filters can be linked, reloaded and gone back to. */
import { signal } from '@preact/signals';

export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

const read = (): Place => ({
  path: window.location.pathname.replace(/(.)\/$/, '$1'),
  query: new URLSearchParams(window.location.search),
});

export const place = signal<Place>(read());

export function startRouter(): void {
  window.addEventListener('popstate', () => (place.value = read()));
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element | null)?.closest?.('a[href]');
    if (!(link instanceof HTMLAnchorElement) || link.target !== '' || link.hasAttribute('download')) return;
    if (link.origin !== window.location.origin || link.dataset['outside'] !== undefined) return;
    if (link.hash !== '' && link.pathname === window.location.pathname) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

export function go(address: string): void {
  const changesPage = new URL(address, window.location.origin).pathname !== place.value.path;
  window.history.pushState(null, '', address);
  place.value = read();
  // A new page is read from its top, and a screen reader is told its name.
  if (changesPage) {
    window.scrollTo(0, 0);
    requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus());
  }
}

/** Typing in a filter makes no steps to go back through. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  window.history.replaceState(null, '', place.value.path + (text === '' ? '' : `?${text}`));
  place.value = read();
}

/** The address of this page with other parameters, for a link. */
export function withQuery(changes: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return place.value.path + (text === '' ? '' : `?${text}`);
}
