import type { ComponentType } from 'preact';
import { CachePage } from './cache.tsx';
import { FleetPage } from './fleet.tsx';
import { NowPage } from './now.tsx';
import { RequestsPage } from './requests.tsx';
import { SavingsPage } from './savings.tsx';
import { SettingsPage } from './settings.tsx';

export interface PageEntry {
  readonly path: string;
  readonly name: string;
  readonly Content: ComponentType;
}

/** In the order of the menu. */
export const pages: readonly PageEntry[] = [
  { path: '/', name: 'Now', Content: NowPage },
  { path: '/savings', name: 'Savings', Content: SavingsPage },
  { path: '/requests', name: 'Requests', Content: RequestsPage },
  { path: '/cache', name: 'Cache', Content: CachePage },
  { path: '/fleet', name: 'Fleet', Content: FleetPage },
  { path: '/settings', name: 'Settings', Content: SettingsPage },
];
