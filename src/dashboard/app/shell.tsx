/** What is around every page: the way between them, who is here, and whether the facts are live. */
import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import type { StatusReport } from '../../admin/admin-types.ts';
import { servingState } from '../model/serving.ts';
import { call, session } from './api.ts';
import { connection, useTopic, type Connection } from './live.ts';
import { LoginPage } from './pages/login.tsx';
import { pages } from './pages/pages.ts';
import { place } from './router.ts';
import { theme, type Theme } from './theme.ts';
import { State } from './ui/state.tsx';
import { DialogHost } from './ui/confirm.tsx';
import { Notices } from './ui/notices.tsx';

export function App() {
  const who = session.value;
  if (who === undefined) return <p class="waiting">Asking the gateway …</p>;
  if (who.role === undefined) return <LoginPage />;
  return <Shell />;
}

function Shell() {
  const { path } = place.value;
  const page = pages.find((each) => each.path === path);
  const isMenuOpen = useSignal(false);
  useEffect(() => {
    document.title = `${page?.name ?? 'Not found'} – llm-self-host`;
    isMenuOpen.value = false;
  }, [path]);
  const Content: ComponentType = page?.Content ?? NotFound;
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="/">
          llm-self-host
        </a>
        <HeaderState />
        <button
          class="menu-button"
          type="button"
          aria-expanded={isMenuOpen.value}
          aria-controls="menu"
          onClick={() => (isMenuOpen.value = !isMenuOpen.value)}
        >
          Menu
        </button>
      </header>
      <div class="frame">
        <aside id="menu" class="menu" aria-label="Menu" data-open={isMenuOpen.value}>
          <nav aria-label="Pages">
            <ul>
              {pages.map((each) => (
                <li key={each.path}>
                  <a href={each.path} aria-current={each.path === path ? 'page' : undefined}>
                    {each.name}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <ThemeChoice />
          <Who />
        </aside>
        <main id="content" tabIndex={-1}>
          <Content key={path} />
        </main>
      </div>
      <Notices />
      <DialogHost />
    </>
  );
}

function NotFound() {
  return (
    <>
      <h1 tabIndex={-1}>Not found</h1>
      <p>
        There is no page here. <a href="/">Go to Now</a>
      </p>
    </>
  );
}

const connectionWords: Readonly<Record<Connection, string>> = {
  live: 'live',
  connecting: 'connecting …',
  polling: 'live stream unavailable; asking every 5 s',
  paused: 'paused',
  offline: 'no answer; what is shown is old',
};

function HeaderState() {
  const status = useTopic<StatusReport>('status');
  const state = status && servingState(status.value);
  const isOffline = connection.value === 'offline';
  return (
    <p class="top-state" role="status">
      {isOffline ? <State tone="bad">Unreachable</State> : state && <State tone={state.tone}>{state.word}</State>}
      <span class="soft connection" data-connection={connection.value}>
        {connectionWords[connection.value]}
      </span>
    </p>
  );
}

const themes: readonly Theme[] = ['auto', 'light', 'dark'];

function ThemeChoice() {
  return (
    <label class="theme">
      Colours{' '}
      <select
        value={theme.value}
        onChange={({ currentTarget }) => (theme.value = themes.find((each) => each === currentTarget.value) ?? 'auto')}
      >
        {themes.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}

function Who() {
  const who = session.value!;
  const text =
    who.via === 'local'
      ? 'operator: no key is set, so everybody on this machine is'
      : `${who.role ?? ''}, by ${who.via ?? ''}`;
  return (
    <div class="who">
      <p class="soft">{text}</p>
      {who.via === 'session' && (
        <button
          type="button"
          onClick={() =>
            void call('/api/session', { method: 'DELETE' }).then((view) => (session.value = view as typeof who))
          }
        >
          Log out
        </button>
      )}
    </div>
  );
}
