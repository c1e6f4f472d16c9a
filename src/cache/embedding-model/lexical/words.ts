/**
 * A small prior of how much English words say. It stands in for document frequencies: counting them
 * online would move every vector as traffic comes, and vectors of one space must stay comparable
 * over restarts. Changing a list or a weight changes the space, so it needs a new version in the
 * embedding id.
 */
const list = (words: string): readonly string[] => words.trim().split(/\s+/);

/** Frames, politeness and glue: what rewordings change first. */
const glue = list(`
  a an the this that these those there here it its i me my mine you your yours we us our ours he him his she her hers
  they them their theirs one ones be do have to of in on at for by with from as and or so then than also just very
  really actually basically simply please kindly thanks thank hi hello hey can could would should shall may might must
  will some any such about into onto upon if but while tell know let want need like wonder help ok okay etc sir
  possible way ways thing things get go exactly currently
`);

/** Say which kind of answer is wanted, so they keep some weight; the guards compare them as well. */
const asking = list('what which');
const askingStrictly = list('who whom whose when where why how');

/** Flip the meaning of a sentence, so they weigh as much as a content word. */
const negators = list('not no never none nobody nothing neither nor without except unless cannot');

/** Common verbs, adjectives and nouns of questions: they say something, but less than a rare word. */
const common = list(`
  make take give find use work look come see think say try keep put start feel become show mean happen explain describe
  define write create list good better best great nice bad new old big small many much more most few less least lot
  other different same each every all both between during people person man woman day time year life world place number
  part kind type example question answer difference reason information idea name word someone anyone everyone
  something anything everything own able only even still already ever again always often sometimes usually too enough
  first last next long far high low top main major common important easy simple quick fast free right sure
  true real full whole certain out up down over off back away around through because now today
`);

/** Every inflection of the glue verbs, so that tense and person of a frame do not count. */
const folded = new Map<string, string>([
  ...list('is are was were am been being').map((form) => [form, 'be'] as const),
  ...list('does did doing done').map((form) => [form, 'do'] as const),
  ...list('has had having').map((form) => [form, 'have'] as const),
  ...list('gets got getting gotten').map((form) => [form, 'get'] as const),
  ...list('goes went going gone').map((form) => [form, 'go'] as const),
  ...list('men').map((form) => [form, 'man'] as const),
  ...list('women').map((form) => [form, 'woman'] as const),
  ...list('children kids kid').map((form) => [form, 'child'] as const),
  ...list('persons').map((form) => [form, 'person'] as const),
  ...list('made making makes').map((form) => [form, 'make'] as const),
  ...list('took taken taking takes').map((form) => [form, 'take'] as const),
  ...list('gave given giving gives').map((form) => [form, 'give'] as const),
  ...list('bought').map((form) => [form, 'buy'] as const),
  ...list('sold').map((form) => [form, 'sell'] as const),
  ...list('wrote written').map((form) => [form, 'write'] as const),
  ...list('knew known').map((form) => [form, 'know'] as const),
  ...list('thought').map((form) => [form, 'think'] as const),
  ...list('found').map((form) => [form, 'find'] as const),
  ...list('lost').map((form) => [form, 'lose'] as const),
  ...list('felt').map((form) => [form, 'feel'] as const),
  ...list('paid').map((form) => [form, 'pay'] as const),
  ...list('ran').map((form) => [form, 'run'] as const),
  ...list('learnt').map((form) => [form, 'learn'] as const),
  ...list('ok').map((form) => [form, 'okay'] as const),
  // Numbers in words equal numbers in digits; `one` is a pronoun more often than a number.
  ...list('two three four five six seven eight nine ten eleven twelve').map(
    (word, index) => [word, String(index + 2)] as const,
  ),
  ['zero', '0'],
  ['twenty', '20'],
  ['thirty', '30'],
  ['forty', '40'],
  ['fifty', '50'],
  ['hundred', '100'],
  ['thousand', '1000'],
  // Apostrophes are often left out in chat; forms that are also words (its, were, well, ill) are not touched.
  ...Object.entries({
    whats: 'what be',
    thats: 'that be',
    hows: 'how be',
    whos: 'who be',
    wheres: 'where be',
    im: 'i be',
    ive: 'i have',
    dont: 'do not',
    doesnt: 'do not',
    didnt: 'do not',
    isnt: 'be not',
    arent: 'be not',
    wasnt: 'be not',
    cant: 'can not',
    cannot: 'can not',
    wont: 'will not',
    couldnt: 'could not',
    shouldnt: 'should not',
    wouldnt: 'would not',
    havent: 'have not',
    hasnt: 'have not',
  }),
]);

/** What follows an apostrophe. `'s` is a possessive or `is`: both say nothing. */
export const contractionTails: ReadonlyMap<string, string> = new Map([
  ['s', ''],
  ['m', 'be'],
  ['re', 'be'],
  ['ve', 'have'],
  ['ll', 'will'],
  ['d', 'would'],
]);

/** Canonical form, several words where a contraction hides them; undefined for words without an entry. */
export const foldWord = (word: string): string | undefined => folded.get(word);

const weights = new Map<string, number>();
const weigh = (words: readonly string[], weight: number): void => {
  for (const word of words) weights.set(folded.get(word) ?? word, weight);
};
weigh(common, 0.6);
weigh(glue, 0.12);
weigh(asking, 0.3);
weigh(askingStrictly, 0.6);
weigh(negators, 1);

/** Weight of a listed word, by its canonical form; undefined for a content word. */
export const listedWeight = (word: string): number | undefined => weights.get(word);
