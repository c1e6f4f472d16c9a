import { leaseConformance } from './conformance.ts';
import { createSingleLease } from './single.ts';

leaseConformance('single', async () => ({ lease: createSingleLease(), dispose: async () => {} }));
