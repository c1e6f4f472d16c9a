/** Section `redis`: where the store is that gateways share. */
import { z } from 'zod';

const file = z.string().min(1).optional();

export const redisSchema = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .optional()
      .describe(
        'redis:// or rediss:// URL of a Redis, Valkey or Redis Cloud database; several hosts with commas are seeds of a cluster, or sentinels. Also SELFHOST_REDIS_URL. Absent: answers are kept on this machine.',
      ),
    shape: z
      .enum(['auto', 'single', 'cluster'])
      .default('auto')
      .describe('`auto` asks the server whether it is part of a cluster.'),
    username: z.string().min(1).optional().describe('ACL user; default: the one of `url`, else `default`.'),
    passwordFile: file.describe('File with the password; read again at each connect, so that it can be rotated.'),
    tls: z
      .strictObject({
        caFile: file.describe('PEM bundle to trust instead of the system’s.'),
        certFile: file.describe('Client certificate, PEM, where the server wants one.'),
        keyFile: file.describe('Its key, PEM.'),
        servername: z
          .string()
          .min(1)
          .optional()
          .describe('Name in the certificate, where it is not the host of `url`.'),
      })
      .optional()
      .describe('For rediss:// with a CA, a certificate or a name of its own.'),
    sentinel: z
      .strictObject({
        name: z.string().min(1).describe('Name of the master group. The hosts of `url` are the sentinels then.'),
        passwordFile: file.describe('Password of the sentinels themselves.'),
      })
      .optional()
      .describe('For a master that sentinels watch.'),
    backend: z
      .enum(['auto', 'log', 'ft', 'vset'])
      .default('auto')
      .describe(
        'How answers are searched: `log` in each gateway, fed by a stream, on any Redis from 6.2; `ft` by the Query Engine; `vset` by vector sets. `auto` chooses by what the server can do, and says why.',
      ),
    prefix: z
      .string()
      .regex(/^[\w.-]{1,32}$/, 'expected 1 to 32 letters, digits, `_`, `.` or `-`')
      .default('sc')
      .describe('Every key starts with it: two installations can share one database.'),
    deadlineMinMs: z
      .int()
      .min(1)
      .max(5_000)
      .default(25)
      .describe('Shortest wait for a reply, however near the server is: it covers pauses of both sides.'),
    deadlineMaxMs: z
      .int()
      .min(25)
      .max(5_000)
      .default(150)
      .describe('Longest wait for a reply; below it the wait follows the round trips. A later reply counts as a miss.'),
    connectTimeoutMs: z.int().min(100).max(60_000).default(2_000).describe('TCP and TLS to the server.'),
  })
  .prefault({});
