import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isThinkerProfileName, thinkerProfile, thinkerProfiles } from './profiles.ts';

describe('thinker profiles', () => {
  it('are found by name, and carry it', () => {
    for (const [name, profile] of Object.entries(thinkerProfiles)) {
      assert.ok(isThinkerProfileName(name));
      assert.equal(thinkerProfile(name), profile);
      assert.equal(profile.name, name);
    }
  });

  it('can be made up', () => {
    const own = { ...thinkerProfiles.demo, name: 'own' };
    assert.equal(thinkerProfile(own), own);
  });

  it('do not exist under other names, and the error says which do', () => {
    assert.equal(isThinkerProfileName('toString'), false);
    assert.throws(() => thinkerProfile('warp' as never), /no thinker profile "warp"; known: instant, demo/);
  });
});
