import type { DecisionEngineOptions } from './engine-types.ts';

type NumericOption = {
  [Name in keyof DecisionEngineOptions]: DecisionEngineOptions[Name] extends number ? Name : never;
}[keyof DecisionEngineOptions];

/** @throws RangeError naming the option, its value and what is expected. */
export function checkOptions(options: DecisionEngineOptions): DecisionEngineOptions {
  const within = (name: NumericOption, low: number, high: number) => {
    const value = options[name];
    if (value >= low && value <= high) return;
    throw new RangeError(`${name} is ${value}; expected a number in [${low}, ${high}]`);
  };
  within('target', 0.001, 0.5);
  within('confidence', 0.5, 0.9999);
  // At 0 nothing would ever be known of what is served.
  within('auditFirst', 0.001, 1);
  within('auditLater', 0.001, 1);
  within('auditSuspect', 0.001, 1);
  within('auditedFirst', 0, 1e9);
  within('labelsMax', 100, 1e6);
  within('refitEvery', 1, 1e6);
  within('groupLabelsMin', 1, 1e9);
  // Group numbers are kept in a byte.
  within('groupsMax', 1, 255);
  within('entriesMax', 1, 1e7);
  within('deniedPairsMax', 1, 1e7);
  within('textsMax', 16, 1e6);
  const { wrongWhenRight, rightWhenWrong } = options.labelNoise;
  if (!(wrongWhenRight >= 0 && rightWhenWrong >= 0 && wrongWhenRight + rightWhenWrong < 1)) {
    throw new RangeError(
      `labelNoise is ${wrongWhenRight} and ${rightWhenWrong}; expected two shares whose sum is below 1, or labels say nothing`,
    );
  }
  return options;
}
