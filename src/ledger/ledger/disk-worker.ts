/** Thread program: the ledger's database lives here. */
import { serveDisk } from '../../sqlite/disk-thread.ts';
import { openDisk } from './disk.ts';

serveDisk(openDisk);
