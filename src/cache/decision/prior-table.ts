const zeros = (length: number): readonly number[] => Array.from({ length }, () => 0);

export const inputMeans: readonly number[] = zeros(38);
export const inputScales: readonly number[] = Array.from({ length: 38 }, () => 1);
/** Intercept first. */
export const priorWeights: readonly number[] = zeros(39);
