/** Settings that hold at once: applied after a question that says what they come to, listed, and undone. */
import { signal } from '@preact/signals';
import type { ChangeSettingRequest, RunTimeSettingView, SettingsView } from '../../../admin/admin-types.ts';
import { dateTime } from '../../model/format.ts';
import { settingLabel, settingWords } from '../../model/run-time.ts';
import { call, isOperator } from '../api.ts';
import { Card } from '../ui/card.tsx';
import { ask } from '../ui/confirm.tsx';
import { State } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import { useResource, type Resource } from '../ui/use-resource.ts';

/** Counts changes, so that what shows settings asks again. */
export const settingsTurn = signal(0);

export function useRunTimeSettings(): Resource<SettingsView> {
  // The route takes no query; another address is asked for anew.
  return useResource<SettingsView>(`/api/settings?${settingsTurn.value}`);
}

export function askToApply(proposal: {
  readonly changes: readonly ChangeSettingRequest[];
  readonly here: readonly RunTimeSettingView[];
  readonly effect: readonly string[];
}): void {
  const { changes, here, effect } = proposal;
  ask({
    title: 'Apply this?',
    effect: (
      <>
        <ul>
          {changes.map(({ name, value }) => (
            <li key={name}>
              {settingLabel(name)}: {settingWords(name, here.find((each) => each.name === name)?.value)} →{' '}
              <strong>{settingWords(name, value)}</strong> (<code>{name}</code>)
            </li>
          ))}
        </ul>
        {effect.map((says) => (
          <p key={says}>{says}</p>
        ))}
        <p>
          It holds at once and after a restart, instead of what the configuration says. Undo it under Doctor and
          settings.
        </p>
      </>
    ),
    action: 'Apply',
    run: async () => {
      for (const body of changes) await call('/api/settings', { method: 'POST', body });
      settingsTurn.value += 1;
      return 'Applied. Undo it under Doctor and settings.';
    },
  });
}

function askToUndo({ name, value, written }: RunTimeSettingView): void {
  ask({
    title: 'Undo this?',
    effect: (
      <p>
        {settingLabel(name)}: {settingWords(name, value)} → <strong>{settingWords(name, written)}</strong>, as the
        configuration says, at once and after a restart.
      </p>
    ),
    action: 'Undo',
    run: async () => {
      await call(`/api/settings/${encodeURIComponent(name)}`, { method: 'DELETE' });
      settingsTurn.value += 1;
      return `${settingLabel(name)} is as the configuration says.`;
    },
  });
}

export function RunTimeSettings({ settings: { held, trouble } }: { readonly settings: Resource<SettingsView> }) {
  return (
    <Card id="run-time" title="Settings that hold at once" of={held} size="wide">
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      <p class="soft">
        What is changed here overrides the configuration, now and after a restart. <a href="/what-if">What if</a> shows
        what a change comes to, and applies it.
      </p>
      <Table
        label="Settings that hold at once"
        rows={held?.value.runTime ?? []}
        keyOf={({ name }) => name}
        empty="None."
        columns={[
          {
            name: 'Setting',
            cell: ({ name }) => (
              <>
                {settingLabel(name)}
                <br />
                <code class="name">{name}</code>
              </>
            ),
          },
          { name: 'Holds', cell: ({ name, value }) => settingWords(name, value) },
          { name: 'Configured', cell: ({ name, written }) => settingWords(name, written) },
          {
            name: 'Changed',
            cell: (setting) =>
              setting.changedAt === undefined ? (
                <State tone="calm">no</State>
              ) : (
                <>
                  <State tone="warn">overrides</State> <span class="name">{dateTime(setting.changedAt)}</span>{' '}
                  {isOperator() && (
                    <button type="button" aria-label={`Undo ${setting.name}`} onClick={() => askToUndo(setting)}>
                      Undo
                    </button>
                  )}
                </>
              ),
          },
        ]}
      />
    </Card>
  );
}
