import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startRig, type Rig } from '../../../test/journeys/harness.ts';
import { runCommand } from '../../../test/support/cli.ts';
import type { AlertHistoryView, AlertsView, AlertTestView, SilenceView } from '../../admin/alert-types.ts';
import { httpCall } from '../../testing/http-call.ts';
import { startMessageReceiver, type MessageReceiver } from '../../testing/message-receiver.ts';

/** A gateway that tells two channels, and its commands. */
describe('alerts', () => {
  let receiver: MessageReceiver;
  let rig: Rig;
  let folder: string;
  const run = (...words: string[]) => runCommand(['--admin-url', rig.adminUrl, 'alerts', ...words]);
  const json = async <T>(...words: string[]): Promise<T> => JSON.parse((await run(...words, '--json')).out) as T;

  before(async () => {
    receiver = await startMessageReceiver();
    folder = await mkdtemp(join(tmpdir(), 'selfhost-alerts-cli-'));
    writeFileSync(join(folder, 'slack'), `${receiver.url}/services/top-secret\n`);
    rig = await startRig({
      config: {
        alerts: {
          channels: [
            { kind: 'webhook', name: 'pager', url: `${receiver.url}/hook`, secretEnv: 'PAGER_KEY' },
            { kind: 'slack', secretFile: join(folder, 'slack'), levelMin: 'page' },
          ],
        },
      },
      environment: { PAGER_KEY: 'signing-key' },
    });
  });
  after(async () => {
    await rig.close();
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('lists how every alert stands, who is told, and never a secret', async () => {
    const view = await json<AlertsView>('list');
    assert.ok(view.rules.length > 20);
    assert.deepEqual(
      view.channels.map(({ name, kind, levelMin }) => [name, kind, levelMin]),
      [
        ['pager', 'webhook', 'warn'],
        ['slack', 'slack', 'page'],
      ],
    );
    const { out } = await run('list');
    assert.match(out, /state +alert +severity/);
    assert.match(out, /ok +CacheDown +page/);
    assert.match(out, /pager +webhook +warn and above +nothing sent yet/);
    assert.doesNotMatch(out + JSON.stringify(view), /top-secret|signing-key/);
  });

  it('sends a test to every channel or to one, and says which did not take it', async () => {
    assert.equal((await run('test')).out, 'pager: sent\nslack: sent\n');
    assert.deepEqual(receiver.received.map(({ path }) => path).toSorted(), ['/hook', '/services/top-secret']);
    receiver.answer({ status: 500, body: 'broken' });
    const failed = await run('test', 'pager');
    assert.equal(failed.code, 1);
    assert.match(failed.out, /^pager: failed: 127\.0\.0\.1:\d+ answered 500: broken\n$/);
    receiver.answer({ status: 404 });
    const view = await json<AlertTestView>('test', 'slack');
    assert.equal(view.results[0]!.sent, false);
    assert.doesNotMatch(JSON.stringify(view), /top-secret/);
    await assert.rejects(run('test', 'nobody'), /no channel `nobody`; configured: pager, slack/);
    const { messages } = await json<AlertHistoryView>('history');
    assert.deepEqual(
      messages.map(({ status, deliveries }) => [status, deliveries.map(({ outcome }) => outcome).join(' ')]),
      [
        ['test', 'failed'],
        ['test', 'failed'],
        ['test', 'sent sent'],
      ],
    );
    assert.match((await run('history', '--limit', '1')).out, /slack failed \(127\.0\.0\.1:\d+ answered 404\)/);
  });

  it('silences an alert for a while, and ends it', async () => {
    const silence = await json<SilenceView>('silence', 'CacheDown', '--for', '1h', '--comment', 'Redis moves');
    assert.match((await run('list')).out, new RegExp(`${silence.id} +CacheDown +\\S+ +Redis moves`));
    const { rules } = await json<AlertsView>('list');
    assert.deepEqual(
      rules.filter(({ silenced }) => silenced).map(({ name }) => name),
      ['CacheDown'],
    );
    assert.equal((await run('silence', silence.id, '--end')).out, `ended: ${silence.id}\n`);
    await assert.rejects(run('silence', silence.id, '--end'), /no silence/);
    await assert.rejects(run('silence', 'Nothing', '--for', '1h'), /rule: expected one of \*, AvailabilityFastBurn/);
    assert.match((await run('silence', 'CacheDown')).err, /--for is missing/);
    assert.match((await run('silence', 'CacheDown', '--for', 'long')).err, /such as 30m, 2h or 1d/);
  });

  it('counts in the metrics what was delivered of alerts', async () => {
    const { text } = await httpCall(`${rig.adminUrl}/metrics`);
    assert.match(text, /^selfhost_alert_deliveries_total\{channel="webhook",outcome="sent"\} 0$/m);
  });

  it('refuses bodies that it does not understand', async () => {
    for (const body of [{ rule: 'CacheDown' }, { rule: 'CacheDown', forS: 1e12 }, { rule: 1, forS: 5 }, { other: 1 }]) {
      assert.equal((await httpCall(`${rig.adminUrl}/api/alerts/silences`, { body })).status, 400, JSON.stringify(body));
    }
    assert.equal((await httpCall(`${rig.adminUrl}/api/alerts/test`, { body: { channel: 5 } })).status, 400);
  });
});

it('says so when nobody is told', async () => {
  const rig = await startRig();
  try {
    const { out } = await runCommand(['--admin-url', rig.adminUrl, 'alerts', 'list']);
    assert.match(out, /Nobody is told: add a channel to alerts\.channels\./);
    await assert.rejects(runCommand(['--admin-url', rig.adminUrl, 'alerts', 'test']), /no channel is configured/);
  } finally {
    await rig.close();
  }
});
