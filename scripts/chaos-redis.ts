/** `npm run test:chaos:redis [-- --seconds 60 --rate 200 --seed 1]`: fails when a promise does. */
import { parseArgs } from 'node:util';
import { runChaos } from '../test/support/redis-chaos.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
console.log(`seed ${values.seed}: ${values.seconds} s at ${values.rate} requests a second`);
console.log(await runChaos({ seconds: Number(values.seconds), rate: Number(values.rate), seed: Number(values.seed) }));
