import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Random } from '../../core/random.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import {
  accumulate,
  addToBins,
  binomialTest,
  certify,
  controlErrorRate,
  cutOf,
  binOf,
  emptyBins,
  missingLabels,
  type ShareTest,
} from './certificate.ts';
import { eProcessTest, eValue } from './e-process.ts';
import { sigmoid } from './ridge-logistic.ts';

const target = 0.05;
const alpha = 0.05;
/** `STREAMS=10000 node --test …` for a closer look. */
const streams = Number(process.env['STREAMS'] ?? 1_000);

/** Scores spread over [−3, 6]; truth follows the score, but worse than it says by `optimism` in log-odds. */
interface World {
  readonly optimism: number;
}

function draw(world: World, random: Random): { score: number; right: boolean } {
  const score = random.float() * 9 - 3;
  return { score, right: random.float() < sigmoid(score - world.optimism) };
}

/** True wrong share above a cut, by summing over the spread of scores. */
function trueShare(world: World, cut: number): number {
  let wrong = 0;
  let count = 0;
  for (let score = Math.max(-3, cut) + 0.0005; score < 6; score += 0.001) {
    wrong += 1 - sigmoid(score - world.optimism);
    count += 1;
  }
  return count === 0 ? 0 : wrong / count;
}

/** Share of streams in which a cut was certified, at any of the looks, that truly misses the target. */
function exceedance(
  world: World,
  test: ShareTest,
  looks: readonly number[],
  random: Random,
): { over: number; opened: number } {
  const worst = new Map<number, boolean>();
  let over = 0;
  let opened = 0;
  for (let stream = 0; stream < streams; stream++) {
    const bins = emptyBins();
    let labels = 0;
    let isOver = false;
    let isOpen = false;
    for (const look of looks) {
      for (; labels < look; labels++) addToBins(bins, { ...draw(world, random), auditProbability: 1 });
      const counted = accumulate(structuredClone(bins));
      const certificate = certify(counted, target, alpha, test);
      if (certificate === undefined) continue;
      isOpen = true;
      const { cut } = certificate;
      if (!worst.has(cut)) worst.set(cut, trueShare(world, cut) > target);
      isOver ||= worst.get(cut)!;
    }
    if (isOver) over += 1;
    if (isOpen) opened += 1;
  }
  return { over: over / streams, opened: opened / streams };
}

/** Three standard deviations of a share of 5 % over the streams. */
const slack = 3 * Math.sqrt((alpha * (1 - alpha)) / streams);

describe('the certificate', () => {
  it(`misses the target in at most ${alpha * 100} % of ${streams} streams at one look, whatever the score promises`, () => {
    const random = testRandom('certificate, one look');
    for (const optimism of [-1, 0, 1, 2]) {
      const { over } = exceedance({ optimism }, binomialTest, [600], random);
      assert.ok(over <= alpha + slack, `optimism ${optimism}: ${over} of the streams`);
    }
  });

  it('misses it in no more than a fifth of them at seven doubling looks, and narrowly', () => {
    const random = testRandom('certificate, looks');
    const looks = [50, 100, 200, 400, 800, 1_600, 3_200];
    const { over } = exceedance({ optimism: 0.5 }, binomialTest, looks, random);
    assert.ok(over <= 0.2 + slack, `${over} of the streams`);
  });

  it('keeps its promise at any number of looks in strict mode', () => {
    const random = testRandom('e-process');
    const looks = Array.from({ length: 40 }, (_, i) => 40 * (i + 1));
    for (const optimism of [0, 1]) {
      const { over } = exceedance({ optimism }, eProcessTest, looks, random);
      assert.ok(over <= alpha + slack, `optimism ${optimism}: ${over} of the streams`);
    }
  });

  it('keeps its promise where hits are labelled rarely and misses always, and goes looser than plain counts', () => {
    const random = testRandom('certificate, layers');
    const served = 4;
    for (const optimism of [0, 1, 2]) {
      const world = { optimism };
      let over = 0;
      let layered = 0;
      let plain = 0;
      for (let stream = 0; stream < streams; stream++) {
        const bins = emptyBins();
        const unweighed = emptyBins();
        for (let i = 0; i < 1_500; i++) {
          const { score, right } = draw(world, random);
          const auditProbability = i < 300 || score < served ? 1 : 0.1;
          if (random.float() >= auditProbability) continue;
          addToBins(bins, { score, right, auditProbability });
          addToBins(unweighed, { score, right, auditProbability: 1 });
        }
        const cut = certify(accumulate(bins), target, alpha, binomialTest)?.cut;
        if (cut !== undefined && trueShare(world, cut) > target) over += 1;
        layered += cut === undefined ? 0 : Math.max(0, 6 - cut);
        plain += Math.max(0, 6 - (certify(accumulate(unweighed), target, alpha, binomialTest)?.cut ?? 6));
      }
      assert.ok(over / streams <= alpha + slack, `optimism ${optimism}: ${over / streams} of the streams`);
      if (optimism === 0)
        assert.ok(layered > 1.1 * plain, `optimism ${optimism}: ${layered / streams} and ${plain / streams}`);
    }
  });

  it('opens when the top is clean, and stays closed when nothing is', () => {
    const random = testRandom('certificate, opening');
    assert.ok(exceedance({ optimism: 0 }, binomialTest, [1_600], random).opened > 0.99);
    assert.ok(exceedance({ optimism: 0 }, eProcessTest, [1_600], random).opened > 0.9);
    assert.ok(exceedance({ optimism: 8 }, binomialTest, [1_600], random).opened < 0.01);
  });

  it('walks from the start looser and ends at the first cut that fails', () => {
    const bins = emptyBins();
    const add = (score: number, right: number, wrong: number) => {
      for (let i = 0; i < right; i++) addToBins(bins, { score, right: true, auditProbability: 1 });
      for (let i = 0; i < wrong; i++) addToBins(bins, { score, right: false, auditProbability: 1 });
    };
    add(5, 80, 0);
    add(4, 40, 1);
    add(3, 10, 10);
    // Without the gap before it this one would pass.
    add(2, 2_000, 0);
    const certificate = certify(accumulate(bins), target, alpha, binomialTest);
    assert.deepEqual(certificate, { cut: cutOf(binOf(4)), labels: 121, wrong: 1 });
  });
});

describe('the fortune of the e-process', () => {
  it('exceeds 1/alpha in at most alpha of the streams at the target itself, looked at after every label', () => {
    const random = testRandom('e-value');
    let reached = 0;
    for (let stream = 0; stream < streams; stream++) {
      let wrong = 0;
      for (let labels = 1; labels <= 1_000; labels++) {
        if (random.float() < target) wrong += 1;
        if (eValue(labels, wrong, target) < 1 / alpha) continue;
        reached += 1;
        break;
      }
    }
    assert.ok(reached / streams <= alpha + slack, `${reached} of ${streams}`);
  });

  it('starts at 1 and needs some eighty faultless labels at 5 %', () => {
    assert.ok(Math.abs(eValue(0, 0, target) - 1) < 1e-12);
    let labels = 0;
    while (!eProcessTest(labels, 0, target, alpha)) labels += 1;
    assert.ok(labels > 59 && labels < 90, `${labels}`);
  });
});

describe('control of wrong answers per request', () => {
  it('keeps their mean under the target', () => {
    const random = testRandom('error rate');
    const world = { optimism: 0.5 };
    let sum = 0;
    for (let stream = 0; stream < streams; stream++) {
      const bins = emptyBins();
      for (let i = 0; i < 400; i++) addToBins(bins, { ...draw(world, random), auditProbability: 1 });
      const certificate = controlErrorRate(accumulate(bins), target, { requests: 400, largestWeight: 1 });
      if (certificate === undefined) continue;
      const served = (6 - Math.max(-3, certificate.cut)) / 9;
      sum += served * trueShare(world, certificate.cut);
    }
    assert.ok(sum / streams <= target, `${sum / streams}`);
    assert.ok(sum / streams > target / 2, 'as loose as it may be');
  });
});

describe('how many labels are missing', () => {
  it('is what a faultless top needs before there are any', () => {
    assert.deepEqual(missingLabels(accumulate(emptyBins()), target, alpha, binomialTest), {
      atLeast: 59,
      estimate: undefined,
    });
  });

  it('counts that only some labels fall above the cut', () => {
    const bins = emptyBins();
    for (let i = 0; i < 30; i++) addToBins(bins, { score: 7, right: true, auditProbability: 1 });
    for (let i = 0; i < 270; i++) addToBins(bins, { score: -2, right: false, auditProbability: 1 });
    const { atLeast, estimate } = missingLabels(accumulate(bins), target, alpha, binomialTest);
    assert.equal(atLeast, 29);
    // One in ten lies above the cut, and half a wrong one is reckoned with.
    assert.ok(estimate! > 290 && estimate! < 2_000, `${estimate}`);
  });

  it('gives no figure where the shares seen will not do', () => {
    const bins = emptyBins();
    for (let i = 0; i < 300; i++) addToBins(bins, { score: 1, right: i % 3 > 0, auditProbability: 1 });
    assert.equal(missingLabels(accumulate(bins), target, alpha, binomialTest).estimate, undefined);
  });
});
