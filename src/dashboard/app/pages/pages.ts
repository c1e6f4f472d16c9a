import type { ComponentType } from 'preact';
import { CachePage } from './cache.tsx';
import { NowPage } from './now.tsx';
import { RequestsPage } from './requests.tsx';
import { SettingsPage } from './settings.tsx';

export interface PageEntry {
  readonly path: string;
  readonly name: string;
  readonly Content: ComponentType;
}

/** In the order of the menu. */
export const pages: readonly PageEntry[] = [
  { path: '/', name: 'Now', Content: NowPage },
  { path: '/requests', name: 'Requests', Content: RequestsPage },
  { path: '/cache', name: 'Cache', Content: CachePage },
  { path: '/settings', name: 'Settings', Content: SettingsPage },
];
