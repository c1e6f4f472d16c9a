import { ledgerConformance } from './conformance.ts';
import { createMemoryLedger } from './memory.ts';

ledgerConformance('memory', async (options) => ({ ledger: createMemoryLedger(options), dispose: async () => {} }));
