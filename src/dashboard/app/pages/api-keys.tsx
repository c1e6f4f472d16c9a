/** Keys of clients: made, rotated, revoked. A key itself is shown once. */
import type {
  CreateKeyRequest,
  KeyListView,
  KeyView,
  NewKeyView,
  RotateKeyRequest,
} from '../../../admin/admin-types.ts';
import { dateTime, dash, whole } from '../../model/format.ts';
import { call, isOperator } from '../api.ts';
import { Card } from '../ui/card.tsx';
import { ask, tell } from '../ui/confirm.tsx';
import { say } from '../ui/notices.tsx';
import { State } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';

export function ApiKeys() {
  const { held, trouble, reload } = useResource<KeyListView>('/api/keys');
  const keys = held?.value.keys ?? [];
  return (
    <Card id="keys" title="Keys of clients" of={held} size="wide">
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      {held !== undefined && (
        <p>
          {held.value.required ? (
            <State tone="good">clients must show a key</State>
          ) : (
            <State tone="warn">no key is needed: whoever reaches the gateway may ask</State>
          )}
        </p>
      )}
      <Table
        label="Keys"
        rows={keys}
        keyOf={({ id }) => id}
        empty="None was made here."
        columns={[
          {
            name: 'Name',
            cell: ({ name, hint }) => (
              <>
                {name} <code>…{hint}</code>
              </>
            ),
          },
          { name: 'Tenant', cell: ({ tenant }) => tenant },
          { name: 'State', cell: (key) => <KeyState {...key} /> },
          { name: 'Models', cell: ({ models }) => (models.length === 0 ? 'all' : models.join(', ')) },
          { name: 'Limits', cell: ({ limits }) => limitWords(limits) },
          { name: 'Answers', cell: ({ cache }) => cache },
          { name: 'Requests', kind: 'number', cell: ({ usage }) => whole(usage.requests) },
          { name: 'Today', kind: 'number', cell: ({ usage }) => `$${usage.usdToday.toFixed(4)}` },
          {
            name: 'Last used',
            cell: ({ usage }) =>
              usage.lastUsedAt === undefined ? dash : <span class="name">{dateTime(usage.lastUsedAt)}</span>,
          },
          ...(isOperator()
            ? [{ name: 'Change', cell: (key: KeyView) => <KeyButtons shown={key} onDone={reload} /> }]
            : []),
        ]}
      />
      {isOperator() && (
        <button type="button" class="primary" onClick={() => askForKey(held?.value.required ?? false, reload)}>
          Make a key
        </button>
      )}
    </Card>
  );
}

function KeyState({ state, expiresAt }: KeyView) {
  if (state !== 'active') return <State tone="bad">{state}</State>;
  return <State tone="good">{expiresAt === undefined ? 'good' : `good until ${dateTime(expiresAt)}`}</State>;
}

function limitWords({ requestsPerMinute, tokensPerMinute, usdPerDay }: KeyView['limits']): string {
  const words = [
    ...(requestsPerMinute === undefined ? [] : [`${whole(requestsPerMinute)} requests/min`]),
    ...(tokensPerMinute === undefined ? [] : [`${whole(tokensPerMinute)} tokens/min`]),
    ...(usdPerDay === undefined ? [] : [`$${usdPerDay}/day`]),
  ];
  return words.length === 0 ? 'none' : words.join(', ');
}

function KeyButtons({ shown, onDone }: { readonly shown: KeyView; readonly onDone: () => void }) {
  if (shown.state !== 'active') return <>{dash}</>;
  const path = `/api/keys/${encodeURIComponent(shown.id)}`;
  return (
    <span class="buttons">
      <button
        type="button"
        aria-label={`Rotate ${shown.name}`}
        onClick={() =>
          ask({
            title: `Rotate ${shown.name}?`,
            effect: (
              <p>A new key is made with the same rights. The old one goes on for 24 hours, then it is refused.</p>
            ),
            action: 'Rotate',
            run: async () => {
              const body: RotateKeyRequest = {};
              showNew(await call<NewKeyView>(`${path}/rotate`, { method: 'POST', body }));
              onDone();
              return 'The key was rotated.';
            },
          })
        }
      >
        Rotate
      </button>
      <button
        type="button"
        class="danger"
        aria-label={`Revoke ${shown.name}`}
        onClick={() =>
          ask({
            title: `Revoke ${shown.name}?`,
            effect: <p>Whoever uses it is refused from now on, running answers excepted. This cannot be undone.</p>,
            action: 'Revoke',
            tone: 'danger',
            run: async () => {
              await call(path, { method: 'DELETE' });
              onDone();
              return 'The key is revoked.';
            },
          })
        }
      >
        Revoke
      </button>
    </span>
  );
}

interface Draft {
  tenant: string;
  name: string;
  models: string;
  requestsPerMinute: string;
  usdPerDay: string;
  days: string;
}

function askForKey(required: boolean, onDone: () => void): void {
  const draft: Draft = { tenant: '', name: '', models: '', requestsPerMinute: '', usdPerDay: '', days: '' };
  const field = (name: keyof Draft, label: string, type: 'text' | 'number' = 'text') => (
    <label>
      {label}
      {type === 'number' ? (
        <input type="number" min={0} step="any" onInput={({ currentTarget }) => (draft[name] = currentTarget.value)} />
      ) : (
        <input type="text" onInput={({ currentTarget }) => (draft[name] = currentTarget.value.trim())} />
      )}
    </label>
  );
  ask({
    title: 'Make a key',
    effect: (
      <>
        {!required && (
          <p class="warn-text">
            ▲ Until now everybody who reaches the gateway may ask. With the first key, everybody needs one.
          </p>
        )}
        <div class="fields">
          {field('tenant', 'Tenant: shares answers with its own keys alone')}
          {field('name', 'Name, for people (optional)')}
          {field('models', 'Models, with commas between (empty: all)')}
          {field('requestsPerMinute', 'Requests a minute (empty: no limit)', 'number')}
          {field('usdPerDay', 'USD a day for thinkers (empty: no limit)', 'number')}
          {field('days', 'Days until it expires (empty: never)', 'number')}
        </div>
      </>
    ),
    action: 'Make the key',
    run: async () => {
      showNew(await call<NewKeyView>('/api/keys', { method: 'POST', body: requestOf(draft) }));
      onDone();
      return 'The key is made.';
    },
  });
}

function requestOf({ tenant, name, models, requestsPerMinute, usdPerDay, days }: Draft): CreateKeyRequest {
  const named = models
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
  return {
    tenant,
    ...(name !== '' && { name }),
    ...(named.length > 0 && { models: named }),
    ...(days !== '' && { expiresInS: Math.round(Number(days) * 86_400) }),
    limits: {
      ...(requestsPerMinute !== '' && { requestsPerMinute: Number(requestsPerMinute) }),
      ...(usdPerDay !== '' && { usdPerDay: Number(usdPerDay) }),
    },
  };
}

function showNew({ key, record }: NewKeyView): void {
  tell({
    title: `The key of ${record.name}`,
    content: (
      <>
        <p>It is shown now and kept nowhere. Hand it over, then close.</p>
        <p class="answer">
          <code>{key}</code>
        </p>
        {'clipboard' in navigator && (
          <button
            type="button"
            onClick={() =>
              void navigator.clipboard.writeText(key).then(
                () => say('good', 'Copied.'),
                () => say('bad', 'The browser did not allow it; mark the key and copy it.'),
              )
            }
          >
            Copy
          </button>
        )}
      </>
    ),
  });
}
