import type { ComponentType } from 'preact';
import { AlertsPage } from './alerts.tsx';
import { CachePage } from './cache.tsx';
import { FleetPage } from './fleet.tsx';
import { NowPage } from './now.tsx';
import { RequestsPage } from './requests.tsx';
import { SavingsPage } from './savings.tsx';
import { SettingsPage } from './settings.tsx';
import { WhatIfPage } from './what-if.tsx';

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
  { path: '/what-if', name: 'What if', Content: WhatIfPage },
  { path: '/alerts', name: 'Alerts', Content: AlertsPage },
  { path: '/settings', name: 'Doctor and settings', Content: SettingsPage },
];
