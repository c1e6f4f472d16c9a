import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { encodeLaunch, launchLimits } from '../fleet-provider/vast/launch.ts';
import { decodeAdmission, encodeAdmission, makeIdentity } from './identity.ts';
import { connectionOf, launchDefaults, prepareLaunch } from './launch.ts';
import { bootstrapScript, scriptDefaults } from './script.ts';

const settings = { ...launchDefaults, marketUrl: 'https://console.vast.ai', model: 'qwen2:7b-instruct-q6_K' };

describe('identity of a machine', () => {
  it('pins the key that the machine is given', () => {
    const { machine, admission } = makeIdentity();
    const key = createPrivateKey({ key: Buffer.from(machine.keyBase64, 'base64'), format: 'der', type: 'pkcs8' });
    assert.equal(key.asymmetricKeyType, 'ec');
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    assert.equal(createHash('sha256').update(spki).digest('base64'), admission.pinSha256);
    assert.equal(machine.token, admission.token);
    assert.equal(Buffer.from(machine.token, 'base64url').length, 32);
  });

  it('is another one each time', () => {
    const [one, other] = [makeIdentity(), makeIdentity()];
    assert.notEqual(one.admission.token, other.admission.token);
    assert.notEqual(one.admission.pinSha256, other.admission.pinSha256);
  });

  it('comes back from the word it is kept as, and the word is not repeated in a complaint', () => {
    const { admission } = makeIdentity();
    assert.deepEqual(decodeAdmission(encodeAdmission(admission)), admission);
    for (const broken of ['', 'x', `2.${admission.token}.${admission.pinSha256}`, `1.${admission.token}`]) {
      assert.throws(
        () => decodeAdmission(broken),
        (error: Error) => /not readable/.test(error.message) && (broken.length < 8 || !error.message.includes(broken)),
      );
    }
  });
});

describe('launch of a machine', () => {
  it('stays within the limits of the market, with room to spare', () => {
    const { spec } = prepareLaunch('gw-a-1', { ...settings, marketUrl: `https://${'long.'.repeat(40)}example.org` });
    assert.ok(spec.script.length < launchLimits.scriptChars * 0.75, `${spec.script.length} characters`);
    for (const [name, value] of Object.entries(spec.env))
      assert.ok(value.length < launchLimits.envEntryChars, `${name}: ${value.length}`);
    assert.doesNotThrow(() => encodeLaunch(spec));
  });

  it('keeps every secret in the environment and out of the script', () => {
    const { spec, secrets } = prepareLaunch('gw-a-1', settings);
    const { GW_KEY: key, GW_TOKEN: token } = spec.env;
    assert.ok(key && token);
    assert.ok(!spec.script.includes(key) && !spec.script.includes(token));
    assert.equal(decodeAdmission(secrets).token, token);
    assert.ok(!secrets.includes(key), 'the private key is not kept');
  });

  it('publishes the proxy alone, and has Ollama on loopback', () => {
    const { spec } = prepareLaunch('gw-a-1', settings);
    assert.deepEqual(spec.ports, [8443]);
    assert.equal(spec.env['OLLAMA_HOST'], '127.0.0.1:11434');
  });

  it('refuses names and paths that would end a quoted word', () => {
    for (const model of ['', '-rf', 'a b', 'a"b', 'a$(reboot)', 'a\nb', 'a`b`'])
      assert.throws(() => prepareLaunch('gw-a-1', { ...settings, model }), /not the name of a model/);
    for (const marketUrl of ['https://a/"$(id)"', 'https://a/`id`', "https://a/'"])
      assert.throws(() => bootstrapScript({ ...scriptDefaults, marketUrl }), /cannot stand in a shell script/);
  });

  it('is a script that bash can read', () => {
    const { spec } = prepareLaunch('gw-a-1', settings);
    const { status, stderr } = spawnSync('bash', ['-n'], { input: spec.script, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

  it('connects by address, also one of version 6', () => {
    const { admission } = makeIdentity();
    assert.equal(connectionOf(admission, { host: '203.0.113.9', port: 33_526 }).url, 'https://203.0.113.9:33526');
    assert.equal(connectionOf(admission, { host: '2001:db8::1', port: 1 }).url, 'https://[2001:db8::1]:1');
  });
});
