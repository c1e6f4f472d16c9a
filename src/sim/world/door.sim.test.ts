import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';

/** A door to a TLS server that ends a connection while the door is cut; run in a process that should end by itself then. */
const cutWhileTlsEnds = `
  import { createServer } from 'node:https';
  import { connect } from 'node:tls';
  import { selfSigned } from '${join(import.meta.dirname, '../../core/self-signed.ts')}';
  import { openDoor } from '${join(import.meta.dirname, 'door.ts')}';
  const { key, cert } = selfSigned();
  const door = await openDoor('127.0.0.1');
  const server = createServer({ key, cert });
  server.on('secureConnection', (secured) => {
    secured.end('last words');
    // By then the shutdown has begun and is not done.
    setImmediate(() => {
      door.cut();
      door.close();
    });
  });
  door.set({ kind: 'leads-to', server, tls: true });
  const client = connect({ host: door.host, port: door.port, rejectUnauthorized: false });
  client.on('error', () => {});
  client.resume();
`;

describe('door of a rented machine', () => {
  it('leaves nothing behind that keeps the process, when it is cut while TLS ends a connection', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', cutWhileTlsEnds], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 30_000,
    });
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => void (err += String(chunk)));
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    assert.equal(signal, null, 'it did not end by itself');
    assert.equal(code, 0, err);
  });
});
