import './styles/base.css';
import './styles/parts.css';
import './styles/charts.css';
import { render } from 'preact';
import { call, session } from './api.ts';
import { startLive } from './live.ts';
import { startRouter } from './router.ts';
import { App } from './shell.tsx';
import { startTheme } from './theme.ts';
import type { SessionView } from '../../admin/admin-types.ts';

startTheme();
startRouter();
startLive();
render(<App />, document.querySelector('#app')!);
call<SessionView>('/api/session').then(
  (view) => (session.value = view),
  () => (session.value = { keyRequired: true, role: undefined, via: undefined }),
);
