import { usdMicros } from '../../core/units.ts';
import { instanceId } from '../fleet-provider.ts';
import { fleetProviderConformance } from './conformance.ts';
import { createStaticProvider } from './static.ts';

fleetProviderConformance('static', () =>
  Promise.resolve({
    provider: createStaticProvider({
      hosts: [
        { name: 'attic', url: 'http://10.0.0.5:11434', pricePerHour: usdMicros(50_000) },
        { name: 'cellar', url: 'https://cellar.example.org', pricePerHour: usdMicros(0) },
      ],
    }),
    market: undefined,
    own: [instanceId('http://10.0.0.5:11434'), instanceId('https://cellar.example.org')],
    close: () => Promise.resolve(),
  }),
);
