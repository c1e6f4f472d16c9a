/** What can this server do? Asked of the server at each connect, tolerant of every right that is missing. */
import { replyList, replyText, type RedisCommand, type RedisReply, type ServerFacts } from './redis-connection.ts';

/** Commands whose presence decides something. */
const asked = [
  'xadd',
  'xread',
  'xrange',
  'scan',
  'unlink',
  'wait',
  'script',
  'eval',
  'ft.search',
  'ft.create',
  'ft.info',
  'ft._list',
  'ft.aliasupdate',
  'ft.aliasadd',
  'vadd',
  'vsim',
  'json.set',
];

export async function askFacts(call: (command: RedisCommand) => Promise<RedisReply>): Promise<ServerFacts> {
  const refused: string[] = [];
  const ask = (command: RedisCommand): Promise<RedisReply> =>
    call(command).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      // Anything the server says is an answer; a lost connection is not.
      if (!/^[A-Z]+ /.test(message)) throw error;
      refused.push(`${command.slice(0, 2).join(' ')}: ${message.slice(0, 120)}`);
      return null;
    });
  const [infoReply, commandReply] = await Promise.all([ask(['INFO']), ask(['COMMAND', 'INFO', ...asked])]);
  const info = parseInfo(replyText(infoReply) ?? '');
  const commands = new Set<string>();
  replyList(commandReply).forEach((each, at) => {
    const name = replyText(replyList(each)[0]);
    if (name !== undefined) commands.add(name.toLowerCase());
    else if (each !== null) commands.add(asked[at]!);
  });
  // Not allowed to ask: every Redis we support has these.
  if (commandReply === null)
    for (const name of ['xadd', 'xread', 'xrange', 'scan', 'unlink', 'eval']) commands.add(name);
  if (info.get('loading') === '1') throw new Error('it is loading its data');
  const number = (key: string) => (info.has(key) ? Number(info.get(key)) : undefined);
  return {
    engine: info.has('valkey_version') ? 'valkey' : info.has('redis_version') ? 'redis' : 'unknown',
    version: info.get('valkey_version') ?? info.get('redis_version'),
    runId: info.get('run_id'),
    cluster: info.get('cluster_enabled') === '1',
    replicas: number('connected_slaves') ?? 0,
    commands,
    evictionPolicy: info.get('maxmemory_policy'),
    memoryMaxBytes: number('maxmemory'),
    memoryUsedBytes: number('used_memory'),
    refused,
  };
}

export function parseInfo(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(':');
    if (at > 0 && !line.startsWith('#')) fields.set(line.slice(0, at), line.slice(at + 1));
  }
  return fields;
}
