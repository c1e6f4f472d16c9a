/** The doctor, loaded when somebody asks for it: it knows every room, and an idle gateway should not hold them all. */
import type { Config } from '../config/schema.ts';
import type { DoctorReport } from '../doctor/check.ts';
import type { DoctorDeps } from './doctor/deps.ts';

export function createLateDoctor(config: Config, deps: DoctorDeps): () => Promise<DoctorReport> {
  let doctor: Promise<() => Promise<DoctorReport>> | undefined;
  return async () => {
    doctor ??= import('./doctor.ts').then(({ createDoctor }) => createDoctor(config, deps));
    return (await doctor)();
  };
}
