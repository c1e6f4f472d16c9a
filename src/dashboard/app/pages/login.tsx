import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { LoginRequest, SessionView } from '../../../admin/admin-types.ts';
import { call, session, wordsOf } from '../api.ts';
import { go, place } from '../router.ts';

export function LoginPage() {
  const trouble = useSignal('');
  const isBusy = useSignal(false);

  async function login(request: LoginRequest): Promise<void> {
    isBusy.value = true;
    trouble.value = '';
    try {
      session.value = await call<SessionView>('/api/session', { method: 'POST', body: request });
      if (place.value.path === '/login') go('/');
    } catch (error) {
      trouble.value = wordsOf(error);
    } finally {
      isBusy.value = false;
    }
  }

  useEffect(() => {
    document.title = 'Log in – llm-self-host';
    const link = /^#link=([\w-]+)$/.exec(window.location.hash)?.[1];
    if (link === undefined) return;
    // Used up in a moment; nothing of it stays in the history.
    window.history.replaceState(null, '', window.location.pathname);
    void login({ link });
  }, []);

  return (
    <main class="login" id="content">
      <h1>llm-self-host</h1>
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          const key = new FormData(event.currentTarget).get('key');
          if (typeof key === 'string' && key !== '') void login({ key: key.trim() });
        }}
      >
        <label for="key">Operator or viewer key</label>
        <input id="key" name="key" type="password" autocomplete="current-password" required disabled={isBusy.value} />
        <button class="primary" type="submit" disabled={isBusy.value}>
          Log in
        </button>
        <p role="alert" class="bad-text">
          {trouble.value}
        </p>
        <p class="soft">
          The key is what <code>admin.keyFile</code> or <code>SELFHOST_ADMIN_KEY</code> holds. For a link that logs in
          once, run <code>llm-self-host login</code> where the gateway runs.
        </p>
      </form>
    </main>
  );
}
